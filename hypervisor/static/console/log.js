// Follows the log of a run: appends what comes, keeps to the end unless its reader has scrolled up, says how it ended.
(() => {
  const panel = document.querySelector("[data-log]");
  if (!panel) return;
  const text = panel.querySelector("[data-log-text]");
  const state = panel.querySelector("[data-log-state]");
  const stick = panel.querySelector("[data-log-stick]");
  const again = panel.querySelector("[data-log-again]");
  const MOST = 4 * 1024 * 1024; // characters: what is older goes
  let waiting = "";
  let drawn = 0;
  let reading = new AbortController();

  const say = (words, colour) => {
    state.textContent = words;
    state.className = `console-badge console-${colour}`;
  };

  // Once a frame, however many pieces came: a flood must not freeze the page.
  const draw = () => {
    if (!waiting) return;
    text.append(waiting);
    drawn += waiting.length;
    waiting = "";
    while (drawn > MOST && text.firstChild !== text.lastChild) {
      drawn -= text.firstChild.length;
      text.firstChild.remove();
    }
    if (stick.checked) text.scrollTop = text.scrollHeight;
  };

  const append = (piece) => {
    if (!piece) return;
    if (!waiting) requestAnimationFrame(draw);
    waiting += piece;
  };

  const explain = async (answer) => {
    const words = await answer.text();
    try {
      return JSON.parse(words).detail;
    } catch {
      return words.startsWith("<") ? "Sign in again." : words;
    }
  };

  const follow = async () => {
    reading = new AbortController();
    again.hidden = true;
    text.replaceChildren();
    drawn = 0;
    say("connecting", "blue");
    try {
      const answer = await fetch(panel.dataset.log, { signal: reading.signal, redirect: "error" });
      if (!answer.ok) {
        append(await explain(answer));
        say("no log", "amber");
        return;
      }
      say("live", "green");
      const letters = new TextDecoder();
      const pieces = answer.body.getReader();
      let some = false;
      for (let next = await pieces.read(); !next.done; next = await pieces.read()) {
        some = true;
        append(letters.decode(next.value, { stream: true }));
      }
      append(letters.decode());
      if (!some) append("It has written nothing.");
      say("ended", "grey");
    } catch (error) {
      if (error.name === "AbortError") return;
      say("connection lost", "red");
    } finally {
      again.hidden = false;
    }
  };

  text.addEventListener("scroll", () => {
    stick.checked = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
  });
  stick.addEventListener("change", () => {
    if (stick.checked) text.scrollTop = text.scrollHeight;
  });
  again.addEventListener("click", follow);
  window.addEventListener("pagehide", () => reading.abort());
  window.addEventListener("pageshow", (event) => event.persisted && follow());
  follow();
})();
