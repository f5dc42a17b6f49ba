// Without scripts everything that matters is there to read.
import { blocks, check, documentOf, expect, open, same } from "./browser.mjs";

await check("still", async (browser, files) => {
  for (const file of files) {
    const page = await open(browser, file, { javaScriptEnabled: false });
    const report = await documentOf(page);
    expect(await page.locator(".answer p.first").isVisible(), "the answer is not seen");
    const pictures = page.locator("figure .still svg");
    same(await pictures.count(), blocks(report, "figure").length, "still pictures");
    for (const picture of await pictures.all()) {
      expect(await picture.isVisible(), "a still picture is not seen");
      same(await picture.getAttribute("role"), "img", "the role of a picture");
      expect((await picture.locator("> title").textContent()).length > 3, "a picture has no name");
    }
    for (const dead of await page.locator("button, input").all()) {
      expect(!(await dead.isVisible()), "something to press is seen, and nothing would happen");
    }
    const behind = page.locator("figure details").first();
    expect(!(await behind.locator("table").isVisible()), "the table is open at first");
    await behind.locator("summary").click();
    expect(await behind.locator("table").isVisible(), "the table behind a picture does not open");
    await page.context().close();
  }
});
