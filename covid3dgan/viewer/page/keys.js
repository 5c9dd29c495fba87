// The keyboard, and the list of keys that '?' shows.
import { find, make } from './elements.js'

const HELP = [['\u2191 \u2193', 'next, previous slice (Shift: ten)'], ['\u2190 \u2192', 'turn the 3D scene'],
  ['a, c, s, d, v', 'axial, coronal, sagittal, 3D, all views'], ['w', 'next window'], ['1 \u2026 9', 'show or hide a layer'],
  ['l', 'show or hide the lungs in 3D'], ['+  -', 'zoom'], ['p', 'crosshair, or pan and zoom'], ['r', 'reset the view'],
  ['[ ]', 'previous, next case'], ['t', 'dark or light'], ['?', 'this list'],
  ['Mouse', 'click and drag: crosshair; wheel: slices, in 3D: zoom; drag in 3D: turn'],
  ['Touch', 'one finger: crosshair, or turn in 3D; two fingers: zoom']]

export function showHelp() {
  find('help-table').replaceChildren(...HELP.map(([key, text]) =>
    make('tr', {}, make('td', {}, make('kbd', { textContent: key })), make('td', { textContent: text }))))
  find('help').showModal()
}

// actions: key -> function(event). NiiVue listens on its canvases; what is ours does not reach them.
export function listen(actions) {
  window.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('select, dialog, input[type="range"]')
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return
    if (typing && (event.key.startsWith('Arrow') || typing.matches('select, dialog'))) return
    event.preventDefault()
    event.stopPropagation()
    action(event)
  }, { capture: true })
}
