// Texts stand out from what is behind them, in the light and in the dark (WCAG 2.2, 1.4.3).
import { check, expect, open } from "./browser.mjs";

/// Texts whose contrast is too low.
const pale = (page) => page.evaluate(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((one) => one / 255);
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((one, at) => one * a + under[at] * (1 - a));
  const linear = (one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const ground = (node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((under, one) => over(one, under), [1, 1, 1]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest("script, style, title, .still, .unseen") || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const under = ground(node);
    const colour = over(rgba(node.closest("svg") ? style.fill : style.color), under);
    const [a, b] = [light(colour), light(under)].sort((p, q) => q - p);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = (a + 0.05) / (b + 0.05);
    count += 1;
    if (contrast < (large ? 3 : 4.5)) found.push(`${contrast.toFixed(2)} "${walker.currentNode.data.trim().slice(0, 40)}"`);
  }
  return { found, count };
});

await check("colours", async (browser, [file]) => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, file, { colorScheme });
    const { found, count } = await pale(page);
    expect(count > 50, `only ${count} texts were seen`);
    expect(found.length === 0, `${colorScheme}: too pale: ${found.slice(0, 10).join("; ")}`);
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const bright = paper.match(/\d+/g).slice(0, 3).every((one) => Number(one) > 128);
    expect(bright === (colorScheme === "light"), `${colorScheme}: the paper is ${paper}`);
    // What Rust drew follows the theme as well.
    const still = await browser.newContext({ colorScheme, javaScriptEnabled: false });
    const quiet = await still.newPage();
    await quiet.goto(page.url());
    const ink = await quiet.locator(".still svg text").first().evaluate((one) => getComputedStyle(one).fill);
    const isLight = ink.match(/\d+/g).slice(0, 3).every((one) => Number(one) > 128);
    expect(isLight === (colorScheme === "dark"), `${colorScheme}: a still picture writes in ${ink}`);
    await still.close();
    await page.context().close();
  }
});
