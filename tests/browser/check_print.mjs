// The page prints: on several sheets, in the light, without what only a screen can use.
import { check, expect, open } from "./browser.mjs";

await check("print", async (browser, files) => {
  for (const file of files) {
    const page = await open(browser, file, { colorScheme: "dark" });
    const pdf = await page.pdf({ format: "A4", printBackground: true });
    const text = pdf.toString("latin1");
    expect(text.startsWith("%PDF-"), "no PDF was made");
    const sheets = (text.match(/\/Type\s*\/Page\b/g) ?? []).length;
    expect(sheets > 1 && sheets < 80, `${sheets} sheets`);
    await page.emulateMedia({ media: "print" });
    for (const screen of [".bar", ".toc", ".tools", ".copy", "input[type=range]"]) {
      const seen = await page.locator(screen).evaluateAll((all) => all.some((node) => node.checkVisibility()));
      expect(!seen, `${screen} is printed`);
    }
    expect(await page.locator(".answer p.first").isVisible(), "the answer is not printed");
    const ink = await page.locator(".answer p.first").evaluate((one) => getComputedStyle(one).color);
    expect(ink.match(/\d+/g).slice(0, 3).every((one) => Number(one) < 128), `it prints in ${ink}`);
    const drawn = await page.locator("figure .live > svg").evaluateAll((all) => all.every((node) => node.checkVisibility() && node.clientWidth > 100));
    expect(drawn, "a picture is not printed");
    await page.context().close();
  }
});
