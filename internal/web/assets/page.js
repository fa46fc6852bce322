// SPDX-License-Identifier: GPL-2.0-or-later
// Every page works without this. It adds: select all and ranges of rows with shift, copying, headers of mails where they are asked for, and short addresses of filters.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const all = document.querySelector("input[data-select-all]");
  const boxes = [...document.querySelectorAll("input[data-row]")];
  const count = document.querySelector("[data-selected]");
  let last = null;
  const show = () => {
    const n = boxes.filter((b) => b.checked).length;
    if (count) count.textContent = n + " selected";
    if (all) {
      all.checked = n > 0 && n === boxes.length;
      all.indeterminate = n > 0 && n < boxes.length;
    }
  };
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      boxes.forEach((b) => { b.checked = all.checked; });
      show();
    });
  }
  boxes.forEach((box, i) => box.addEventListener("click", (e) => {
    if (e.shiftKey && last !== null) {
      const [from, to] = last < i ? [last, i] : [i, last];
      for (let k = from; k <= to; k++) boxes[k].checked = box.checked;
    }
    last = i;
    show();
  }));
  show();
  addEventListener("pageshow", show); // the browser may bring back what was ticked
  if (navigator.clipboard) { // only over https, or on this machine
    document.querySelectorAll("button[data-copy]").forEach((b) => {
      const label = b.textContent, name = b.ariaLabel;
      b.hidden = false;
      b.addEventListener("click", async () => {
        b.style.minWidth = b.offsetWidth + "px"; // what is beside it must not move
        await navigator.clipboard.writeText(b.dataset.copy).then(() => { b.textContent = "Copied"; }, () => { b.textContent = "Not copied"; });
        b.ariaLabel = null; // so that the outcome is what is read out
        setTimeout(() => { b.textContent = label; b.ariaLabel = name; }, 1500);
      });
    });
  }
  // Headers of a mail come when its fold is opened; the link to their page is for who has no script, and for when that fails.
  document.querySelectorAll("a[data-headers]").forEach((link) => link.closest("details").addEventListener("toggle", async (e) => {
    if (!e.target.open || !("headers" in link.dataset)) return;
    delete link.dataset.headers;
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) throw new Error(answer.status);
      link.parentElement.replaceWith(new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("pre.headers"));
    } catch {
      link.dataset.headers = "";
    }
  }));
  document.querySelectorAll("form[method=get]").forEach((f) => f.addEventListener("formdata", (e) => {
    for (const [name, value] of [...e.formData]) {
      if (value === "") e.formData.delete(name);
    }
  }));
});
