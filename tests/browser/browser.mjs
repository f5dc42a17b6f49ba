// What all checks of the report page share: a browser without network, a page with its document,
// and a way to fail that says what differs.
import { chromium } from "playwright-core";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

const INSTALL = "install it with `apt-get install -y --no-install-recommends chromium` (Debian), "
  + "or name another one in the variable BEDLOAD_CHROMIUM";

export function fail(message) {
  console.error(`FAILED: ${message}`);
  process.exit(1);
}

export function expect(holds, message) {
  if (!holds) fail(typeof message === "function" ? message() : message);
}

export function same(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  expect(a === b, `${what}: found ${a}, wanted ${b}`);
}

/// A browser with an empty profile of its own.
export async function browser() {
  const executablePath = process.env.BEDLOAD_CHROMIUM ?? "/usr/bin/chromium";
  expect(existsSync(executablePath), `there is no Chromium at ${executablePath}: ${INSTALL}`);
  return chromium.launch({
    executablePath,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--force-color-profile=srgb", "--font-render-hinting=none"],
  });
}

/// Opens a report from disk. Anything that it asks of a network, and anything that its console says,
/// fails the check.
export async function open(one, file, options = {}) {
  const context = await one.newContext({
    viewport: { width: 1400, height: 1000 }, colorScheme: "light", reducedMotion: "reduce", ...options,
  });
  const url = pathToFileURL(file).href;
  context.on("request", (request) => {
    expect(request.url() === url || request.url().startsWith(`${url}#`), `the page asks for ${request.url()}`);
  });
  const page = await context.newPage();
  page.on("console", (message) => fail(`the console says: ${message.type()} ${message.text()}`));
  page.on("pageerror", (error) => fail(`the page throws: ${error.stack}`));
  page.setDefaultTimeout(15000);
  await page.goto(url);
  return page;
}

/// The document that the page carries.
export async function documentOf(page) {
  return JSON.parse(await page.locator("#report").textContent());
}

export function blocks(report, kind) {
  return report.sections.flatMap((section) => section.blocks).filter((block) => kind in block).map((block) => block[kind]);
}

/// Runs a check of the pages named on the command line, and says so when it holds.
export async function check(name, body) {
  const one = await browser();
  try {
    await body(one, process.argv.slice(2));
  } catch (error) {
    fail(error.stack);
  } finally {
    await one.close();
  }
  console.log(`${name}: holds`);
}
