// select2 puts its own box in a select's place, and says nothing to screen readers while nothing is chosen.
window.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector("select.admin-autocomplete")) return;
  const name = () =>
    document.querySelectorAll("select.admin-autocomplete + .select2 [role=combobox]:not([aria-label])").forEach((box) => {
      const label = box.closest(".select2").previousElementSibling.labels[0]?.textContent.trim().replace(/\*$/, "");
      if (!label) return;
      box.removeAttribute("aria-labelledby");
      [box, ...box.querySelectorAll("[role=textbox]")].forEach((part) => part.setAttribute("aria-label", label));
    });
  name();
  // It comes after the page does, and also with each row that somebody adds.
  new MutationObserver(name).observe(document.querySelector("#content"), { childList: true, subtree: true });
});
