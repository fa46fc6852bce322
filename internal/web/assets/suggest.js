// SPDX-License-Identifier: GPL-2.0-or-later
// Fields with data-suggest offer what the site knows to begin with what is typed, in a list of the browser's own. Without this they are plain fields.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("input[data-suggest]").forEach((field, n) => {
    const list = document.createElement("datalist");
    list.id = "suggest-" + n;
    field.after(list);
    field.setAttribute("list", list.id);
    field.autocomplete = "off";
    let timer = 0, asked = "", under = null;

    const option = ({ pk, name, email }) => {
      const o = document.createElement("option");
      o.value = name || String(pk); // the filter takes a part of a name, or the number of somebody without one
      if (email) o.label = name ? name + ", " + email : email;
      return o;
    };
    const ask = async () => {
      const text = field.value.trim();
      if (text === asked || [...list.options].some((o) => o.value === text)) return; // it was chosen
      asked = text;
      under?.abort();
      under = new AbortController();
      if ([...text].length < 3) { list.replaceChildren(); return; }
      try {
        const answer = await fetch(field.dataset.suggest + "?q=" + encodeURIComponent(text), { signal: under.signal });
        const found = answer.ok ? await answer.text() : "";
        const seen = new Set(); // without addresses several persons may look the same
        list.replaceChildren(...(found ? JSON.parse(found) : []).map(option).filter((o) => !seen.has(o.value + o.label) && seen.add(o.value + o.label)));
      } catch { /* the next letter asks again */ }
    };
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
  });
});
