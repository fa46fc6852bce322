// SPDX-License-Identifier: GPL-2.0-or-later
"use strict";

// Requests from the documentation of the API: shows the forms, sends what they say, and shows the answer. The token is kept nowhere.
(() => {
  const key = document.getElementById("api-key");
  if (!key) return;
  const token = document.getElementById("api-token");
  key.hidden = false;
  key.addEventListener("submit", (e) => e.preventDefault());
  for (const form of document.querySelectorAll(".api-try")) {
    form.hidden = false;
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      send(form, form.closest(".api-op").dataset);
    });
  }

  // A link to an operation opens it.
  const open = () => {
    const op = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (op && op.matches("details")) op.open = true;
  };
  addEventListener("hashchange", open);
  open();

  function address(form, path) {
    const query = new URLSearchParams();
    for (const input of form.querySelectorAll("input")) {
      if (input.dataset.in === "path") path = path.replace(new RegExp("\\{" + input.name + "(\\.\\.\\.)?\\}"), () => encodeURIComponent(input.value));
      else if (input.value !== "") query.append(input.name, input.value);
    }
    const text = query.toString();
    return text ? path + "?" + text : path;
  }

  async function send(form, op) {
    const out = form.querySelector("output"), button = form.querySelector("button"), to = address(form, op.path);
    const request = { method: op.method, headers: { Accept: "application/json" }, cache: "no-store", credentials: "same-origin" };
    if (token.value.trim()) {
      request.headers.Authorization = "Token " + token.value.trim();
      request.credentials = "omit";
    }
    const body = form.querySelector("textarea");
    if (body) {
      request.headers["Content-Type"] = "application/json";
      request.body = body.value;
    }
    button.disabled = true;
    try {
      const begin = performance.now(), answer = await fetch(to, request), text = await answer.text();
      show(out, op.method + " " + to, answer, text, Math.round(performance.now() - begin));
    } catch (err) {
      out.replaceChildren(line("p", "The request failed: " + err.message));
    }
    button.disabled = false;
  }

  function show(out, asked, answer, text, took) {
    let headers = "";
    for (const name of ["link", "etag", "location", "allow", "retry-after", "ratelimit-remaining", "x-request-id"]) {
      const value = answer.headers.get(name);
      if (value) headers += name + ": " + value + "\n";
    }
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {}
    const pre = line("pre", headers + "\n" + text);
    pre.className = "json";
    pre.tabIndex = 0;
    out.replaceChildren(line("p", asked + ": " + answer.status + " in " + took + " ms"), pre);
  }

  function line(tag, text) {
    const e = document.createElement(tag);
    e.textContent = text;
    return e;
  }
})();
