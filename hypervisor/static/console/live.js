// Keeps a page fresh: whoever names what concerns it, [data-live-events="?cluster=3"], is told of each event of those,
// and the parts marked [data-live="name"] are fetched anew and put in place of the old ones.
(() => {
  const PAUSE = 2000; // milliseconds between two looks, at least
  const begin = () => {
    const marked = document.querySelector("[data-live-events]");
    if (!marked || !window.EventSource) return;
    const address = `/events${marked.dataset.liveEvents}`;
    let source = null;
    let timer = 0;
    let last = 0;
    let isReading = false;
    let isWanted = false;

    const parts = (page) =>
      new Map([...page.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part]));

    // What somebody scrolled to or points into must stay where it is.
    const put = (old, fresh) => {
      if (old.innerHTML === fresh.innerHTML) return;
      const places = [...old.querySelectorAll(".console-scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
      const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      old.innerHTML = fresh.innerHTML;
      old.querySelectorAll(".console-scroll").forEach((box, index) => {
        if (places[index]) [box.scrollLeft, box.scrollTop] = places[index];
      });
      if (focused) [...old.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
    };

    const look = async () => {
      timer = 0;
      if (document.hidden) return;
      if (isReading) {
        isWanted = true;
        return;
      }
      isReading = true;
      last = Date.now();
      try {
        const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
        if (answer.ok) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const fresh = parts(page);
          for (const [name, old] of parts(document)) if (fresh.has(name)) put(old, fresh.get(name));
        }
      } catch {
        // The page stays as it is; the next event brings another try.
      } finally {
        isReading = false;
        if (isWanted) {
          isWanted = false;
          soon();
        }
      }
    };

    const soon = () => {
      if (!timer && !document.hidden) timer = setTimeout(look, Math.max(0, last + PAUSE - Date.now()));
    };

    const listen = () => {
      if (source) return;
      source = new EventSource(address);
      for (const kind of ["deployment", "cluster", "reset"]) source.addEventListener(kind, soon);
      // Where there are no events, or none for us, the browser gives up by itself, and so do we.
    };

    const leave = () => {
      clearTimeout(timer);
      timer = 0;
      source?.close();
      source = null;
    };

    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        leave();
      } else {
        listen();
        soon();
      }
    });
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", (event) => event.persisted && listen());
    if (!document.hidden) listen();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
