// Pictures over time can be looked at closely, together, and come back.
import { check, expect, open, same } from "./browser.mjs";

await check("zoom", async (browser, [file]) => {
  const page = await open(browser, file);
  const figure = page.locator("figure", { has: page.locator(".tools") }).first();
  const live = figure.locator(".live");
  const range = () => live.locator("svg").first().evaluate((node) => [Number(node.dataset.x0), Number(node.dataset.x1)]);
  const line = () => live.locator("path.line").first().getAttribute("d");
  const reset = figure.locator(".reset");
  const whole = await range();
  const drawn = await line();
  expect(!(await reset.isVisible()), "there is something to reset before anything was done");
  await live.scrollIntoViewIfNeeded();
  const box = await live.boundingBox();
  const drag = async (from, to) => {
    await page.mouse.move(box.x + box.width * from, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * to, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
  };
  await drag(0.4, 0.6);
  const close = await range();
  const span = whole[1] - whole[0];
  expect(close[0] > whole[0] + 0.2 * span && close[1] < whole[1] - 0.2 * span, `a drag shows ${close} of ${whole}`);
  expect(Math.abs((close[1] - close[0]) / span - 0.2) < 0.06, `a fifth was chosen, ${(close[1] - close[0]) / span} is shown`);
  expect(await line() !== drawn, "the line is drawn as before");
  // All pictures over the same time show the same part of it.
  const all = await page.locator("figure:has(.tools) .live > svg").evaluateAll((every) => every.map((node) => `${node.dataset.x0} ${node.dataset.x1}`));
  expect(all.filter((one) => one === close.join(" ")).length > 1, `others do not follow: ${all}`);
  await figure.getByRole("button", { name: "Later" }).click();
  const later = await range();
  expect(later[0] > close[0] && Math.abs((later[1] - later[0]) - (close[1] - close[0])) < 1e-6 * span, `later is ${later} after ${close}`);
  await figure.getByRole("button", { name: "Zoom in" }).click();
  const closer = await range();
  expect(Math.abs((closer[1] - closer[0]) / (later[1] - later[0]) - 0.5) < 1e-6, `closer is ${closer}`);
  await reset.click();
  same(await range(), whole, "the range after a reset");
  same(await line(), drawn, "the line after a reset");
  // The same by keys.
  await live.focus();
  await page.keyboard.press("+");
  expect((await range())[1] - (await range())[0] < 0.6 * span, "the key + does not zoom");
  await page.keyboard.press("0");
  same(await range(), whole, "the range after the key 0");
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2);
  expect(await live.locator(".read").isVisible(), "nothing is read off under the pointer");
  await page.mouse.move(2, 2);
  expect(!(await live.locator(".read").isVisible()), "the reading stays when the pointer has gone");
});
