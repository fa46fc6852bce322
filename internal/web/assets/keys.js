// SPDX-License-Identifier: GPL-2.0-or-later
// Single keys, all of whose effects links and forms have too; "Select all that match"; and the place in a list, which survives an action.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const one = (selector, under = document) => under.querySelector(selector);
  const all = (selector, under = document) => [...under.querySelectorAll(selector)];
  const link = (row) => one("td.name a", row);
  const rows = all("main table.list:not(.siblings) tbody tr").filter(link);
  const form = one("form:has(.bulk)") || one("form.edit:has(select[name=state])");
  let at = -1; // the row under the cursor

  const say = (text) => { one("#told").textContent = text; };
  const read = (key) => { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } };
  const write = (key, value) => { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* none, or full: then not */ } };

  // The cursor is a row; its link has the focus.
  const go = (i) => {
    if (i < 0 || i >= rows.length) return;
    if (rows[at]) rows[at].removeAttribute("aria-current");
    at = i;
    rows[at].setAttribute("aria-current", "true");
    link(rows[at]).focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  };
  const box = (row) => row && one("input[data-row]", row);
  const tick = (range) => {
    const b = box(rows[at]);
    if (b) b.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: range })); // page.js knows what that means
  };
  addEventListener("focusin", (e) => { // the cursor goes where the focus goes
    const i = rows.indexOf(e.target.closest("tr"));
    if (i < 0 || i === at) return;
    if (rows[at]) rows[at].removeAttribute("aria-current");
    at = i;
    rows[at].setAttribute("aria-current", "true");
  });

  // All that match: offered when all of the page is ticked, given up with the first box that is not.
  const match = one("[data-match]"), offer = one("[data-match-all]"), count = one("[data-selected]");
  const offered = () => {
    const boxes = all("input[data-row]");
    const whole = boxes.length > 0 && boxes.every((b) => b.checked);
    if (!whole) match.value = "";
    offer.hidden = !whole || match.value !== "";
    if (match.value !== "") count.textContent = "all " + Number(match.value).toLocaleString("en") + " selected";
  };
  if (offer) {
    offer.addEventListener("click", () => { match.value = offer.dataset.matchAll; offered(); });
    addEventListener("change", offered);
    addEventListener("click", (e) => { if (e.target.matches("input[type=checkbox]")) offered(); });
    match.value = "";
    offered();
  }

  // The row that the cursor was on, else the first below it that is still here, else the one behind the last that was above it.
  const rest = (was) => {
    const here = new Map(rows.map((r, i) => [link(r).pathname, i])), known = (path) => here.has(path);
    const below = was.list.slice(was.at).find(known), above = was.list.slice(0, was.at).findLast(known);
    if (below) return here.get(below);
    return above ? Math.min(here.get(above) + 1, rows.length - 1) : 0;
  };

  // Lists remember where one was, for when a form comes back to them, and what is in them, for n and p on the pages of patches.
  // A change leads back to the address in the form, which has the filters in another order than the one that was typed or that the form of the filter made.
  if (rows.length && form) {
    const place = form.getAttribute("action") || location.pathname + location.search;
    const keep = () => write("pw-place", { place, y: scrollY, at, list: rows.map((r) => link(r).pathname), when: Date.now() });
    for (const f of [form, ...all("form:has([data-undo])")]) f.addEventListener("submit", keep);
    const was = read("pw-place");
    if (was && was.place === place && Date.now() - was.when < 60000) {
      scrollTo(0, was.y);
      if (was.at >= 0) go(rest(was));
      sessionStorage.removeItem("pw-place");
    }
  }
  if (one("main table.list.sticky") && rows.some((r) => link(r).pathname.includes("/patch/"))) write("pw-list", rows.map((r) => link(r).pathname));

  const follow = (a, none) => { if (a) a.click(); else say(none); };
  const inList = (step) => {
    const list = read("pw-list") || [], i = list.indexOf(location.pathname);
    if (i < 0) return inSeries(step);
    if (list[i + step]) location.href = list[i + step];
    else say(step > 0 ? "This is the last patch of the list" : "This is the first patch of the list");
  };
  const inSeries = (step) => {
    const row = one(".siblings [aria-current=page]")?.closest("tr");
    const next = step > 0 ? row?.nextElementSibling : row?.previousElementSibling;
    follow(next && link(next), step > 0 ? "This is the last patch of the series" : "This is the first of the series");
  };

  // What is selected is changed; if nothing is, the row under the cursor.
  const ready = () => {
    if (!form || one("fieldset:disabled", form)) { say("There is nothing here that you could change"); return false; }
    if (rows.length && one(".bulk", form) && !all("input[data-row]:checked", form).length) {
      if (!box(rows[at])) { say("Select a row first: j and k move, x selects"); return false; }
      tick(false);
    }
    return true;
  };
  const set = (name, option, what) => {
    if (!form) return ready();
    const select = one(`select[name=${name}]`, form), o = select && all("option", select).find(option);
    if (!o) { say("There is no such " + what + " here"); return; }
    if (!ready()) return;
    select.value = o.value;
    form.requestSubmit(one("button.primary", form));
  };
  const state = (slug) => set("state", (o) => o.dataset.slug === slug, "state");
  const enter = (selector, none) => {
    const field = one(selector);
    if (!field) { say(none); return; }
    field.closest("details")?.setAttribute("open", "");
    field.focus();
    field.select?.();
  };

  const help = one("#keys");
  const switched = one("[data-keys-on]"), opener = one("[data-keys-help]");
  const on = () => { try { return localStorage.getItem("pw-keys") !== "off"; } catch { return true; } };
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
  switched.checked = on();
  switched.addEventListener("change", () => { try { localStorage.setItem("pw-keys", switched.checked ? "on" : "off"); } catch { /* not kept */ } });

  const keys = {
    j: () => go(at + 1), k: () => go(at < 0 ? 0 : at - 1), x: () => tick(false), X: () => tick(true),
    o: () => rows[at] && follow(link(rows[at]), ""), Enter: () => rows[at] && follow(link(rows[at]), ""),
    a: () => state("accepted"), r: () => state("rejected"), u: () => state("under-review"), s: () => state("superseded"),
    e: () => set("archived", (o) => o.value === "true", "field"),
    d: () => ready() && enter("select[name=delegate]", ""),
    b: () => ready() && enter("select[name=bundle_id], input[data-bundle]", "There are no bundles here"),
    z: () => follow(one("[data-undo]"), "There is nothing to undo here; see Recent changes"),
    "/": () => enter("input[name=q]", "There is no filter here"), "?": () => help.showModal(),
    n: () => inList(1), p: () => inList(-1), "]": () => inSeries(1), "[": () => inSeries(-1),
  };
  // Enter in a choice that was made does it; a choice that was not made is left alone.
  const decide = (e) => {
    const choice = e.target, made = form && choice.form === form && choice.value !== (one("option[selected]", choice) || choice.options[0]).value;
    const button = made && one(choice.name === "bundle_id" ? "button[value=add]" : "button.primary", form);
    if (!button) return;
    e.preventDefault();
    form.requestSubmit(button);
  };
  let prefix = 0; // when g was pressed
  document.addEventListener("keydown", (e) => {
    const t = e.target;
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.defaultPrevented || !on() || one("dialog[open]")) return;
    if (e.key === "Enter" && t.matches("select")) return decide(e);
    if (t.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (e.key === "Enter" && t.closest("a, button, summary, input")) return; // it does so by itself
    if (e.key === "Shift") return;
    if (Date.now() - prefix < 1500) {
      prefix = 0;
      const to = one(`#keys a[data-go="${CSS.escape(e.key)}"]`);
      if (to) { e.preventDefault(); location.href = to.href; return; }
    }
    if (e.key === "g") { prefix = Date.now(); return; }
    const f = Object.hasOwn(keys, e.key) && keys[e.key];
    if (f) { e.preventDefault(); f(); }
  });
});
