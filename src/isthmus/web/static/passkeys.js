// Asks the browser for a passkey, or to make one, and sends its answer as a form.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  const told = form.querySelector("[data-told]"), button = form.querySelector("button");
  const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  let waiting = new AbortController();

  async function options() {
    const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new DOMException("", "ExpiredError");
    const found = await answer.json();
    found.challenge = decode(found.challenge);
    if (found.user) found.user.id = decode(found.user.id);
    for (const one of found.excludeCredentials || []) one.id = decode(one.id);
    return found;
  }
  function send(made) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = encode(made.response[name]);
    }
    const document = { id: made.id, rawId: encode(made.rawId), type: made.type, response };
    form.elements.credential.value = JSON.stringify(document);
    form.submit();
  }
  function explain(error) {
    button.removeAttribute("aria-busy");
    const words = {
      NotAllowedError: "Nothing was chosen, or it took too long. Try again.",
      InvalidStateError: "This device has a passkey for your account already.",
      ExpiredError: "This page was open for too long. Load it again.",
      SecurityError: "The browser does not take passkeys at this address.",
    };
    told.textContent = words[error.name] || "The browser could not do it. Try again, or use another way.";
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    told.textContent = "";
    waiting.abort();
    try {
      const publicKey = await options();
      send(await navigator.credentials[form.dataset.passkey]({ publicKey }));
    } catch (error) { explain(error); }
  });
  form.hidden = false;
  button.disabled = false;
  if (told.textContent) told.textContent = "Your browser asks you to unlock the device, or to touch a security key.";

  // While the page waits for a name, the browser may offer passkeys in the field, with a challenge that never gets old.
  async function offer() {
    waiting = new AbortController();
    const mine = waiting;
    setTimeout(() => { if (!mine.signal.aborted) { mine.abort(); offer(); } }, 8 * 60 * 1000);
    try {
      const publicKey = await options();
      if (!mine.signal.aborted) send(await navigator.credentials.get({ publicKey, mediation: "conditional", signal: mine.signal }));
    } catch { /* nobody chose one there */ }
  }
  if (form.dataset.passkey === "get") {
    PublicKeyCredential.isConditionalMediationAvailable?.().then((yes) => { if (yes) offer(); }, () => {});
  }
})();
