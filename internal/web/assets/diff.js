// SPDX-License-Identifier: GPL-2.0-or-later
// Diffs are read without this, too. It adds: files that are loaded where they stand, links to lines of such files, arrow keys from line to line.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  // load puts the lines of a folded file where they belong; its link is the page to go to without this script.
  const load = async (details) => {
    const link = details.querySelector("a[data-load]");
    if (!link) return;
    delete link.dataset.load;
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const file = page.getElementById(details.id);
      if (!file) throw new Error("no such file");
      details.replaceChildren(details.firstElementChild, ...[...file.childNodes].slice(1));
    } catch {
      link.dataset.load = details.id; // the link still leads there
    }
  };
  document.querySelectorAll("details.file").forEach((d) => d.addEventListener("toggle", () => { if (d.open) load(d); }));
  document.addEventListener("click", (e) => {
    const link = e.target.closest?.("a[data-load]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    load(link.closest("details"));
  });

  // Colours take longer than the page: they come behind it.
  const plain = document.querySelector(".changes[data-colours]");
  if (plain) fetch(plain.dataset.colours).then(async (answer) => {
    if (!answer.ok || !getSelection().isCollapsed) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelectorAll("details.file > div").forEach((now) => {
      const then = page.querySelector("#" + now.parentElement.id + " > div");
      if (then && then.textContent === now.textContent) now.replaceChildren(...then.childNodes);
    });
    document.querySelector(".views .hue")?.remove();
    if (document.activeElement === document.body) reveal();
  }).catch(() => {});

  // A link to a line of a file that is folded opens it.
  const reveal = async () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const file = /^(f\d+)([noh]\d+)?$/.exec(id);
    const details = file && document.getElementById(file[1]);
    if (!details) return;
    if (file[2] && !document.getElementById(id)) await load(details);
    details.open = true;
    const line = document.getElementById(id);
    if (line && file[2]) {
      history.replaceState(null, "", "#");
      location.replace("#" + id); // :target is found anew
    }
  };
  addEventListener("hashchange", (e) => { if (!document.querySelector(":target")) reveal(); });
  if (location.hash && !document.querySelector(":target")) reveal();

  // In two columns only the one is selected in which the mouse goes down.
  document.addEventListener("mousedown", (e) => {
    const cell = e.target.closest?.(".split td");
    if (!cell) return;
    document.querySelectorAll(".split").forEach((t) => {
      t.classList.toggle("from-old", cell.cellIndex < 2);
      t.classList.toggle("from-new", cell.cellIndex >= 2);
    });
  });

  // Numbers are no stops of the Tab key: there are too many. From the link of a hunk the arrow keys go on to them.
  document.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    const here = step && e.target.closest?.(":is(.diff, .split) a[href^='#f']");
    if (!here || e.altKey || e.ctrlKey || e.metaKey) return;
    const all = [...here.closest(".file").querySelectorAll(":is(.diff, .split) a[href^='#f']")];
    const next = all[all.indexOf(here) + step];
    if (!next) return;
    e.preventDefault();
    next.focus();
  });
});
