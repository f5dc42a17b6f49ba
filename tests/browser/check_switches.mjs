// Variants, series and the theme can be switched.
import { blocks, check, documentOf, expect, open, same } from "./browser.mjs";

await check("switches", async (browser, [file]) => {
  const page = await open(browser, file);
  const report = await documentOf(page);
  const names = await page.locator("[data-switch]").evaluateAll((all) => all.map((node) => node.dataset.switch));
  expect(names.length > 1, "there is no variant to switch");
  const [name] = names;
  const layers = page.locator(`.live g[data-variant="${name}"]`);
  const cells = page.locator(`main td[data-variant="${name}"], main tr[data-variant="${name}"], main th[data-variant="${name}"]`);
  const shown = (of) => of.evaluateAll((all) => all
    .filter((node) => getComputedStyle(node).display !== "none" && node.checkVisibility()).length);
  const wanted = blocks(report, "figure").flatMap((f) => f.layers).filter((l) => l.variant === name).length;
  same(await layers.count(), wanted, "layers of the variant");
  same(await shown(layers), wanted, "visible layers");
  expect(await shown(cells) > 0, "no cell belongs to the variant");
  const others = page.locator(`.live g[data-variant="${names[1]}"]`);
  const before = await shown(others);
  await page.locator(".switches label", { hasText: name }).first().click();
  same(await shown(layers), 0, "layers of a variant that is switched off");
  same(await shown(cells), 0, "cells of a variant that is switched off");
  same(await shown(others), before, "layers of another variant");
  // By the keyboard it comes back.
  await page.locator(`[data-switch="${name}"]`).focus();
  await page.keyboard.press("Space");
  same(await shown(layers), wanted, "layers that came back");
  const button = page.locator(".legend button").first();
  const figure = page.locator("figure", { has: page.locator(".legend button") }).first();
  const lines = figure.locator("[data-layer]");
  const all = await shown(lines);
  await button.click();
  same(await button.getAttribute("aria-pressed"), "false", "the state of the button");
  same(await shown(lines), all - 1, "series of the picture");
  await button.click();
  same(await shown(lines), all, "series that came back");
  const theme = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await theme();
  await page.locator(".theme").click();
  const dark = await theme();
  expect(light !== dark, "the theme does not change");
  await page.locator(".theme").click();
  same(await theme(), light, "the theme after two clicks");
  await page.locator("[data-copy]").first().click();
  await page.waitForFunction(() => document.querySelector("[data-copy]").textContent !== "Copy");
});
