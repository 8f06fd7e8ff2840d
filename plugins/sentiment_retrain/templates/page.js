// Airflow shows these pages in a frame that may not open windows or leave: the frame's owner does it instead.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow]");
  if (!link || window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  outside.href = link.href;
  window.parent.document.body.append(outside);
  outside.click();
  outside.remove();
});
// Browsers keep the clipboard for secure addresses; elsewhere one tap marks a whole command.
for (const command of navigator.clipboard ? document.querySelectorAll("pre.command") : []) {
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.type = "button";
  button.setAttribute("aria-label", `Copy: ${command.textContent}`);
  button.addEventListener("click", async () => {
    const words = await navigator.clipboard.writeText(command.textContent).then(() => "Copied", () => "Not allowed");
    button.textContent = words;
    button.setAttribute("aria-label", words);
  });
  command.after(button);
}
