// The three live parts of the page: where pictures are dropped, what names mean, and the board.
// Names of classes and files come as escaped HTML from the server; here they are only read, never written as HTML.
window.t2w = (() => {
  const token = () => sessionStorage.getItem("t2w") || "";
  const megabytes = (size) => `${Math.round(size / 1e6).toLocaleString("en")} MB`;

  // ---- pictures in -------------------------------------------------------------------------------------------

  async function filesOf(entry, most, found) {
    if (found.length > most || entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((done, failed) => entry.file(done, failed)).catch(() => null);
      if (file) found.push([file, entry.fullPath.slice(1)]);
      return;
    }
    const reader = entry.createReader();
    for (;;) {  // a reader gives a hundred entries at a time
      const some = await new Promise((done, failed) => reader.readEntries(done, failed)).catch(() => []);
      if (!some.length) return;
      for (const one of some) await filesOf(one, most, found);
    }
  }

  function tooMuch(files, bounds) {
    const zips = files.filter(([file]) => file.name.toLowerCase().endsWith(".zip"));
    const total = files.reduce((sum, [file]) => sum + file.size, 0);
    const instead = "; sort larger folders with `t2w sort`";
    if (files.length > bounds.pictures)
      return `More than ${Number(bounds.pictures).toLocaleString("en")} files, which is the most this page takes${instead}.`;
    const zip = zips.find(([file]) => file.size > bounds.zipBytes);
    if (zip) return `${zip[1]} has ${megabytes(zip[0].size)}; expected at most ${megabytes(bounds.zipBytes)}${instead}.`;
    const big = files.find(([file]) => file.size > bounds.pictureBytes && !zips.some(([one]) => one === file));
    if (big) return `${big[1]} has ${megabytes(big[0].size)}; expected at most ${megabytes(bounds.pictureBytes)}; make it smaller.`;
    if (total > bounds.sessionBytes)
      return `Files of ${megabytes(total)} in all; expected at most ${megabytes(bounds.sessionBytes)}${instead}.`;
    return "";
  }

  async function send(file, name) {
    try {
      const address = `t2w/${token()}/pictures?name=${encodeURIComponent(name)}`;
      const answer = await fetch(address, {method: "POST", body: file});
      const told = await answer.json();
      return answer.ok ? "" : told.error;
    } catch {
      return `${name} did not arrive; try it again, or reload the page`;
    }
  }

  function drop(element, sent) {
    const zone = element.querySelector(".t2w-drop"), bounds = zone.dataset;
    const said = zone.querySelector(".t2w-said"), bar = zone.querySelector("progress");
    const suffixes = new Set(bounds.suffixes.split(" "));
    const isPicture = (name) => suffixes.has((name.match(/\.[^.]*$/) || [""])[0].toLowerCase());
    let busy = false;

    async function take(all) {
      if (busy) return (said.textContent = "One moment: the pictures before these are still on their way.");
      const seen = all.filter(([, name]) => !/(^|\/)[._]/.test(name));
      const files = seen.filter(([, name]) => isPicture(name) || name.toLowerCase().endsWith(".zip"));
      const other = seen.find((one) => !files.includes(one));
      const wrong = files.length ? tooMuch(files, bounds) : all.length ? "There are no pictures among these files." : "";
      said.textContent = wrong;
      zone.classList.toggle("t2w-wrong", Boolean(wrong));
      if (wrong || !files.length) return;
      busy = true;
      bar.hidden = false;
      const refused = [];
      let done = 0;
      const waiting = files.slice();
      const worker = async () => {
        for (let next; (next = waiting.shift()); ) {
          const error = await send(...next);
          if (error) refused.push(error);
          bar.value = ++done / files.length;
          said.textContent = `${done} of ${files.length} files sent`;
        }
      };
      await Promise.all([worker(), worker(), worker()]);
      bar.hidden = true;
      busy = false;
      zone.classList.toggle("t2w-wrong", refused.length > 0);
      const arrived = `${done - refused.length} of ${files.length} file${files.length === 1 ? "" : "s"} arrived.`;
      const left = other ? ` ${seen.length - files.length} left out, such as ${other[1]}: no picture that can be read.` : "";
      said.textContent = refused.length ? `${arrived} ${refused[0]}${refused.length > 1 ? ` (and ${refused.length - 1} more like it)` : ""}${left}` : arrived + left;
      sent({});
    }

    zone.addEventListener("change", (event) => {
      take([...event.target.files].map((file) => [file, file.webkitRelativePath || file.name]));
      event.target.value = "";
    });
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("t2w-over"); });
    zone.addEventListener("dragleave", (event) => { if (!zone.contains(event.relatedTarget)) zone.classList.remove("t2w-over"); });
    zone.addEventListener("drop", async (event) => {
      event.preventDefault();
      zone.classList.remove("t2w-over");
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
      const found = [];
      said.textContent = "Looking through the folder ...";
      for (const entry of entries) await filesOf(entry, 5 * bounds.pictures, found);
      take(found);
    });
  }

  // ---- what names mean ---------------------------------------------------------------------------------------

  function meanings(element, meant, watch) {
    let open = null;  // as the person left it
    element.addEventListener("toggle", (event) => { open = event.target.open; }, true);
    watch("value", () => { const list = element.querySelector("details"); if (list && open !== null) list.open = open; });
    element.addEventListener("change", (event) => {
      const {dataset, value, tagName} = event.target;
      if (dataset.class !== undefined) meant({name: dataset.class, kind: tagName === "SELECT" ? "sense" : "text", value});
    });
  }

  // ---- the board ---------------------------------------------------------------------------------------------

  function board(element, moved, watch) {
    const chosen = new Set();
    let focused = null;
    const cards = () => [...element.querySelectorAll(".t2w-columns .t2w-card")];
    const card = (node) => node.closest && node.closest(".t2w-columns .t2w-card");

    function show() {
      const there = new Set(cards().map((one) => one.dataset.n));
      for (const number of chosen) if (!there.has(number)) chosen.delete(number);
      for (const one of cards()) one.firstElementChild.setAttribute("aria-pressed", String(chosen.has(one.dataset.n)));
      const bar = element.querySelector(".t2w-bar");
      if (!bar) return;
      bar.hidden = chosen.size === 0;
      bar.querySelector(".t2w-chosen").textContent = `${chosen.size} chosen`;
    }

    function move(to) {
      if (!chosen.size || !to) return;
      moved({pictures: [...chosen].map(Number), to});
      chosen.clear();
      show();
    }

    element.addEventListener("click", (event) => {
      const one = card(event.target);
      if (one) {
        chosen.has(one.dataset.n) ? chosen.delete(one.dataset.n) : chosen.add(one.dataset.n);
        show();
      } else if (event.target.closest(".t2w-clear")) {
        chosen.clear();
        show();
      }
    });
    element.addEventListener("change", (event) => {
      if (!event.target.closest(".t2w-bar")) return;
      const to = event.target.value;
      event.target.value = "";  // so that the same column can be chosen again
      move(to);
    });
    element.addEventListener("focusin", (event) => { const one = card(event.target); if (one) focused = one.dataset.n; });
    element.addEventListener("keydown", (event) => {
      const one = card(event.target);
      if (!one) return;
      const all = cards(), step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (step) {
        event.preventDefault();
        const next = all[all.indexOf(one) + step];
        if (next) next.firstElementChild.focus();
      } else if (event.key === "Escape") {
        chosen.clear();
        show();
      } else if (/^[0-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const to = event.key === "0" ? "none" : String(event.key - 1);
        if (!element.querySelector(`.t2w-column[data-to="${to}"]`)) return;
        chosen.add(one.dataset.n);
        move(to);
      }
    });

    element.addEventListener("dragstart", (event) => {
      const one = card(event.target);
      if (!one) return;
      if (!chosen.has(one.dataset.n)) { chosen.clear(); chosen.add(one.dataset.n); show(); }
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
      element.classList.add("t2w-dragging");
    });
    element.addEventListener("dragend", () => element.classList.remove("t2w-dragging"));
    const target = (event) => {
      const column = event.target.closest && event.target.closest(".t2w-column");
      return column && column.dataset.to && element.classList.contains("t2w-dragging") ? column : null;
    };
    element.addEventListener("dragover", (event) => {
      const column = target(event);
      for (const one of element.querySelectorAll(".t2w-over")) if (one !== column) one.classList.remove("t2w-over");
      if (column) { event.preventDefault(); column.classList.add("t2w-over"); }
    });
    element.addEventListener("drop", (event) => {
      const column = target(event);
      if (!column) return;
      event.preventDefault();
      column.classList.remove("t2w-over");
      element.classList.remove("t2w-dragging");
      move(column.dataset.to);
    });

    const scrolled = {};  // how far each column is
    element.addEventListener("scroll", (event) => {
      const column = event.target.closest && event.target.closest(".t2w-column");
      if (column) scrolled[column.id] = event.target.scrollTop;
    }, true);
    watch("value", () => {  // the board was drawn anew: what was chosen, where the keyboard was and how far it was stay
      show();
      for (const [id, top] of Object.entries(scrolled)) {
        const list = element.querySelector(`#${id} ul`);
        if (list) list.scrollTop = top;
      }
      const again = document.activeElement === document.body && focused !== null
        && element.querySelector(`.t2w-card[data-n="${focused}"] button`);
      if (again) again.focus({preventScroll: true});
    });
  }

  function fetchFile(address) {  // a link, for to leave the page would end its session
    const link = document.createElement("a");
    link.href = address;
    link.download = "";
    link.click();
  }

  let leaving = false;
  function restart(token) {
    leaving = window.confirm("Remove all pictures and forget the names?");
    return leaving ? token : "";
  }
  function restarted() {
    if (!leaving) return;
    sessionStorage.removeItem("t2w");
    window.location.reload();
  }

  return {drop, meanings, board, fetch: fetchFile, restart, restarted};
})();
