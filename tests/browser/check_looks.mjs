// The page looks as it did when somebody last looked at it: screenshots against small references,
// tolerantly, since fonts and their smoothing differ between machines. BEDLOAD_UPDATE=1 takes new ones.
import { check, expect, open } from "./browser.mjs";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/// The width of references, in pixels.
const WIDTH = 180;
/// The mean difference of brightness and colour that is still the same look; 1 is black against white.
const MOST = 0.035;

const LOOKS = [
  ["light", { viewport: { width: 1400, height: 1000 } }],
  ["dark", { viewport: { width: 1400, height: 1000 }, colorScheme: "dark" }],
  ["phone", { viewport: { width: 360, height: 740 } }],
];

await check("looks", async (browser, [file, references]) => {
  const table = await (await browser.newContext()).newPage();
  for (const [name, options] of LOOKS) {
    const page = await open(browser, file, options);
    const shots = [["top", await page.screenshot()]];
    const figure = page.locator("figure:has(.tools)").first();
    if (await figure.count()) shots.push(["picture", await figure.screenshot()]);
    await page.context().close();
    for (const [part, shot] of shots) {
      const place = `${references}/${name}-${part}.png`;
      const small = await shrink(table, shot);
      if (process.env.BEDLOAD_UPDATE === "1") {
        writeFileSync(place, small);
        continue;
      }
      expect(existsSync(place), `there is no reference ${place}; BEDLOAD_UPDATE=1 makes it`);
      const [mean, size] = await difference(table, small, readFileSync(place));
      console.log(`${name}-${part}: differs by ${mean.toFixed(4)}`);
      expect(size, `${place}: the size is another one`);
      expect(mean < MOST, `${place}: the look differs by ${mean.toFixed(4)}, at most ${MOST}`);
    }
  }
});

function url(png) {
  return `data:image/png;base64,${png.toString("base64")}`;
}

async function shrink(page, png) {
  const text = await page.evaluate(async ([source, width]) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = Math.round((image.height * width) / image.width);
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/png");
  }, [url(png), WIDTH]);
  return Buffer.from(text.split(",")[1], "base64");
}

/// The mean difference of two small pictures, a block of pixels at a time; and whether they are about as high.
async function difference(page, one, other) {
  return page.evaluate(async (sources) => {
    const pixels = await Promise.all(sources.map(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = document.createElement("canvas");
      // A quarter of the size: letters blur into grey, which no font changes much.
      [canvas.width, canvas.height] = [60, Math.round((60 * image.height) / image.width)];
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      return context.getImageData(0, 0, canvas.width, canvas.height);
    }));
    const [a, b] = pixels;
    const height = Math.min(a.height, b.height);
    let sum = 0;
    for (let at = 0; at < height * 60 * 4; at++) sum += Math.abs(a.data[at] - b.data[at]);
    return [sum / (height * 60 * 3 * 255), Math.abs(a.height - b.height) <= Math.max(3, 0.1 * a.height)];
  }, [url(one), url(other)]);
}
