"use strict";
// A checkbox above a list takes all of the list along; without this it does nothing.
for (const above of document.querySelectorAll("[data-toggles]")) {
  above.addEventListener("change", () => {
    for (const box of document.getElementsByName(above.dataset.toggles)) {
      box.checked = above.checked;
      box.closest("tr").classList.toggle("selected", above.checked);
    }
  });
}
