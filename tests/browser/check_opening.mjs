// The page opens from disk, alone and quietly, with everything that a reader of any kind needs.
import { blocks, check, documentOf, expect, open, same } from "./browser.mjs";

await check("opening", async (browser, files) => {
  for (const file of files) {
    const page = await open(browser, file);
    const report = await documentOf(page);
    same(await page.title(), `${report.title} – Bedload report`, "title");
    same(await page.locator("h1").count(), 1, "main headings");
    same(await page.locator("section.chapter > h2").count(), report.sections.length + (report.origin.length ? 1 : 0), "chapters");
    same(await page.locator("figure").count(), blocks(report, "figure").length, "pictures");
    same(await page.locator("figure .plot[data-drawn]").count(), blocks(report, "figure").length, "drawn pictures");
    // The answer stands above everything else, and on the first screen.
    const answer = await page.locator(".answer p.first").boundingBox();
    expect(answer.y + answer.height < 700, `the answer is ${answer.y} px down`);
    const links = await page.locator(".toc a").evaluateAll((all) => all.map((a) => Boolean(document.getElementById(a.hash.slice(1)))));
    expect(links.every(Boolean), "a link of the contents leads nowhere");
    const ids = await page.locator("[id]").evaluateAll((all) => all.map((node) => node.id));
    same(ids.length, new Set(ids).size, `ids, ${ids.filter((id, at) => ids.indexOf(id) !== at)}`);
    const unnamed = await page.locator("button, input, [role=region], [role=group], section, nav, figure").evaluateAll((all) => all
      .filter((node) => !(node.getAttribute("aria-label") || document.getElementById(node.getAttribute("aria-labelledby") ?? "")
        || node.textContent.trim() && node.matches("button") || node.labels?.length)).map((node) => node.outerHTML.slice(0, 120)));
    same(unnamed, [], "parts without a name");
    // The first stop of the keyboard leads to the answer.
    await page.keyboard.press("Tab");
    same(await page.evaluate(() => document.activeElement.className), "skip", "first stop");
    await page.keyboard.press("Enter");
    same(await page.evaluate(() => document.activeElement.id), "verdict", "where it leads");
    for (const width of [360, 768, 1400]) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForFunction(() => [...document.querySelectorAll("figure .plot")].every((plot) => {
        const drawn = plot.querySelector(".live > svg").getAttribute("width");
        return Math.abs(Number(drawn) - Math.max(plot.clientWidth, 220)) <= 1;
      }));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      same(wide, width, `width of the page on a screen of ${width}`);
    }
    await page.context().close();
  }
});
