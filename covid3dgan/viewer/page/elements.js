// Small helpers for elements of the page; text is always text, never HTML.

export const find = (id) => document.getElementById(id)

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value
    else element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

// A group of buttons of which one is pressed. entries: [[value, text, hint]].
export function choice(group, entries, onChoose) {
  const press = (value) => {
    for (const button of group.children) button.setAttribute('aria-pressed', String(button.dataset.value === value))
    onChoose(value)
  }
  group.replaceChildren(...entries.map(([value, text, hint]) => {
    const button = make('button', { type: 'button', textContent: text, title: hint, onclick: () => press(value) })
    button.dataset.value = value
    return button
  }))
  return press
}

export function swatch(background, wide = false) {
  const element = make('span', { className: wide ? 'swatch scale' : 'swatch', ariaHidden: 'true' })
  element.style.background = background
  return element
}
