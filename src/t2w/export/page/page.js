"use strict";
// Pictures to labels in the browser. The model resizes as the Python package does; the canvas only bounds its input.

const SHOWN = 5; // classes listed for each picture
const NAMED = 30; // classes named at the top of the page
const MOST_SIDE = 1024; // shorter side in pixels from which on the canvas makes a picture smaller first
const MOST_RATIO = 4; // of a longer picture the middle is taken: the model looks at its middle square
const about = T2W_MODEL.about;
const byId = (id) => document.getElementById(id);
let queue = Promise.resolve();
let waiting = 0;
let done = 0;

function bytes(base64) {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text; // never HTML: names are anybody's
  return made;
}

async function load() {
  // Everything is in scripts, because a page opened as a file may fetch nothing.
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = bytes(T2W_WASM.wasm).buffer;
  const glue = new Blob([bytes(T2W_WASM.glue)], { type: "text/javascript" });
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
  return ort.InferenceSession.create(bytes(T2W_MODEL.onnx), { executionProviders: ["wasm"] });
}

/** A picture file as (1, height, width, 3) bytes: upright, transparent parts over white. */
async function pixels(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const short = Math.min(bitmap.width, bitmap.height);
  const width = Math.min(bitmap.width, short * MOST_RATIO);
  const height = Math.min(bitmap.height, short * MOST_RATIO);
  const scale = Math.min(1, MOST_SIDE / short);
  const canvas = element("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  const [left, top] = [(bitmap.width - width) >> 1, (bitmap.height - height) >> 1];
  context.drawImage(bitmap, left, top, width, height, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  return new ort.Tensor("uint8", rgb, [1, canvas.height, canvas.width, 3]);
}

async function classify(session, file) {
  const found = await session.run({ images: await pixels(file) });
  const scores = Array.from(found.probabilities.data);
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const none = Boolean(found.none && found.none.data[0]);
  const like = found.nearest_known ? about.known[Number(found.nearest_known.data[0])] : null;
  return { label: none ? null : about.classes[order[0]], none, like, scores, order };
}

function card(file) {
  const item = element("li");
  const image = element("img");
  image.alt = "";
  image.src = URL.createObjectURL(file);
  image.onload = () => URL.revokeObjectURL(image.src);
  image.onerror = () => image.remove();
  item.append(image, element("p", "file", file.name), element("p", "answer", "…"));
  byId("results").append(item);
  return item;
}

function show(item, found) {
  const says = found.none ? "none of these" + (found.like ? ` (nearest known: ${found.like})` : "") : found.label;
  item.querySelector(".answer").textContent = says;
  const list = element("dl");
  for (const i of found.order.slice(0, SHOWN)) {
    const bar = element("progress");
    bar.value = found.scores[i];
    bar.setAttribute("aria-hidden", "true");
    list.append(element("dt", "", about.classes[i]), element("dd", "", `${(100 * found.scores[i]).toFixed(1)} %`), bar);
  }
  item.append(list);
}

function take(session, files) {
  for (const file of files) {
    waiting += 1;
    const item = card(file);
    queue = queue.then(async () => {
      try {
        show(item, await classify(session, file));
      } catch (error) {
        item.querySelector(".answer").textContent = "cannot be read as a picture";
        console.error(file.name, error);
      }
      done += 1;
      byId("status").textContent = done < waiting ? `${done} of ${waiting} pictures` : `${done} pictures, done`;
    });
  }
}

async function start() {
  const more = about.classes.length > NAMED ? ` and ${about.classes.length - NAMED} more` : "";
  byId("classes").textContent = `It knows: ${about.classes.slice(0, NAMED).join(", ")}${more}.`;
  const session = await load();
  const input = byId("files");
  input.disabled = false;
  input.onchange = () => { take(session, input.files); input.value = ""; };
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
  addEventListener("dragleave", () => document.body.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    take(session, event.dataTransfer.files);
  });
  byId("status").textContent = "Ready.";
}

start().catch((error) => {
  byId("status").textContent = `This browser cannot run the classifier: ${error.message}`;
});
