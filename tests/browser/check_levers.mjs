// What a slider shows is what the program computed.
import { blocks, check, documentOf, expect, open, same } from "./browser.mjs";
import { between, says } from "./numbers.mjs";

await check("levers", async (browser, files) => {
  let moved = 0;
  for (const file of files) {
    const page = await open(browser, file);
    for (const lever of blocks(await documentOf(page), "lever")) {
      const node = page.locator(`[data-lever="${lever.id}"]`);
      const input = node.locator("input");
      const at = () => node.locator(".move output").evaluate((one) => Number(one.dataset.v));
      same(await at(), lever.range[2], `the present position of ${lever.id}`);
      const places = lever.outcomes[0].points.map(([x]) => x).filter((x) => x >= lever.range[0] && x <= lever.range[1]);
      const some = [0, 0.2, 0.5, 0.8, 1].map((share) => places[Math.round(share * (places.length - 1))]);
      for (const [number, place] of [...some, ...[0.137, 0.61].map((s) => lever.range[0] + s * (lever.range[1] - lever.range[0]))].entries()) {
        await input.evaluate((one, value) => { one.value = value; one.dispatchEvent(new Event("input", { bubbles: true })); }, place);
        const here = await at();
        const reach = (lever.range[1] - lever.range[0]) / 200;
        expect(Math.abs(here - place) <= reach, `${lever.id} stands at ${here} instead of ${place}`);
        if (number < some.length) same(here, place, `a computed position of ${lever.id}`);
        for (const [which, outcome] of lever.outcomes.entries()) {
          const output = node.locator(`[data-outcome="${which}"] output`);
          const wanted = between(outcome.points, here);
          if (wanted === null) {
            same(await output.textContent(), "–", `${outcome.label} where nothing was computed`);
            continue;
          }
          const found = await output.evaluate((one) => Number(one.dataset.v));
          expect(Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${lever.id} at ${here}: ${outcome.label} is ${found}, computed ${wanted}`);
          const exact = outcome.points.find(([x]) => x === here);
          if (exact) same(found, exact[1], `${lever.id} at the computed position ${here}`);
          const text = await output.textContent();
          expect(says(text, found, outcome.unit), `${lever.id}: "${text}" does not say ${found}`);
        }
        moved += 1;
      }
      const before = await at();
      await input.focus();
      await page.keyboard.press("ArrowLeft");
      expect(await at() < before, `${lever.id} does not move by the keyboard`);
    }
    await page.context().close();
  }
  expect(moved > 4, "no slider was moved");
});
