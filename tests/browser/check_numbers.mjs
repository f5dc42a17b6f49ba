// Every number that a reader sees is one of the document, as exactly as its digits say.
import { check, documentOf, expect, open } from "./browser.mjs";
import { between, says } from "./numbers.mjs";

const numbersOf = (value, into) => {
  if (typeof value === "number") into.numbers.add(value);
  else if (typeof value === "string") into.strings.push(value);
  else if (value !== null) Object.values(value).forEach((one) => numbersOf(one, into));
  return into;
};

/// The visible texts with a digit in them, with the number that they stand for, if they do.
const texts = (page) => page.evaluate(() => {
  for (const node of document.querySelectorAll("details")) node.open = true;
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    // The ticks of axes are round numbers of the axis, and what Rust drew is hidden here.
    if (!/\d/.test(node.data) || parent.closest("script, style, .tick, .still, title, .off, [hidden]")) continue;
    if (!parent.checkVisibility()) continue;
    const value = parent.closest("[data-v]");
    const lever = parent.closest("[data-lever]");
    const outcome = parent.closest("[data-outcome]");
    found.push({ text: node.data, v: value?.dataset.v, u: value?.dataset.u, lever: lever?.dataset.lever ?? null,
      at: lever?.querySelector(".move output").dataset.v, outcome: outcome?.dataset.outcome ?? null });
  }
  return found;
});

function hold(found, report, known, where) {
  for (const { text, v, u, lever, at, outcome } of found) {
    if (v === undefined) {
      const plain = text.trim().replaceAll("\u00a0", " ").replace(/…$/, "");
      expect(known.strings.some((one) => one.includes(plain)), `${where}: "${plain}" is in no text of the document`);
      continue;
    }
    const value = Number(v);
    expect(says(text, value, u), `${where}: "${text}" does not say ${v} (${u})`);
    if (outcome !== null) {
      const levers = report.sections.flatMap((s) => s.blocks).filter((b) => b.lever?.id === lever);
      const wanted = between(levers[0].lever.outcomes[Number(outcome)].points, Number(at));
      expect(Math.abs(value - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${where}: ${v} at ${at} of ${lever}, wanted ${wanted}`);
    } else {
      expect(known.numbers.has(value), `${where}: ${v} ("${text}") is no number of the document`);
    }
  }
}

await check("numbers", async (browser, files) => {
  for (const file of files) {
    for (const javaScriptEnabled of [true, false]) {
      const page = await open(browser, file, { javaScriptEnabled });
      const report = await documentOf(page);
      const known = numbersOf(report, { numbers: new Set(), strings: [] });
      const found = await texts(page);
      expect(found.filter((one) => one.v !== undefined).length > 40, `${file}: only ${found.length} numbers were found`);
      hold(found, report, known, file);
      if (javaScriptEnabled) {
        // What is read off pictures is of the document too.
        for (const live of await page.locator("figure .live").all()) {
          await live.focus();
          for (const key of ["Home", "ArrowRight", "ArrowRight", "End"]) {
            await page.keyboard.press(key);
            const read = await live.locator(".read [data-v]").evaluateAll((all) => all.map((n) => ({ text: n.textContent, v: n.dataset.v, u: n.dataset.u, outcome: null })));
            expect(read.length > 0, `${file}: nothing is read off a picture`);
            hold(read, report, known, `${file}, read off`);
          }
        }
      }
      await page.context().close();
    }
  }
});
