/** Prints what is not in the window, and nothing of the window; `rules` are those of the print style for this content. */
export function printOnly(className: string, rules: string, content: Node[]): void {
  const holder = document.createElement('div');
  holder.className = className;
  holder.setAttribute('aria-hidden', 'true');
  holder.append(...content);
  const style = document.createElement('style');
  style.textContent = rules;
  document.head.append(style);
  document.body.append(holder);
  window.addEventListener(
    'afterprint',
    () => {
      holder.remove();
      style.remove();
    },
    { once: true },
  );
  window.print();
}
