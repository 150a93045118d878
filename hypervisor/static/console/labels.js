// select2 puts its own box in a select's place, and says nothing to screen readers while nothing is chosen.
window.addEventListener("load", () => {
  document.querySelectorAll("select.select2-hidden-accessible").forEach((select) => {
    const label = select.labels[0]?.textContent.trim().replace(/\*$/, "");
    const box = select.nextElementSibling;
    if (!label || !box) return;
    box.querySelectorAll("[role=combobox], [role=textbox]").forEach((part) => part.setAttribute("aria-label", label));
    box.querySelector("[role=combobox]")?.removeAttribute("aria-labelledby");
  });
});
