// The keyboard, and the list of keys that '?' shows.
import { find, make } from '../../viewer/page/elements.js'

const HELP = [['\u2191 \u2193', 'next, previous slice (Shift, Page: ten)'], ['i j k l', 'move the crosshair in the slice'],
  ['\u2190 \u2192', 'turn the 3D scene'], ['a c s d v', 'axial, coronal, sagittal, 3D, all views'], ['w', 'next window'],
  ['n, Shift n', 'next, previous lesion'], ['y, x', 'keep, delete the chosen lesion'], ['[ ]', 'lower, raise the threshold'],
  ['m, o, p', 'show or hide the mask, the scores, the CT as if healthy'], ['b, e, h', 'brush, eraser, crosshair (Ctrl with the brush: erase)'],
  [', .', 'smaller, larger brush'], ['g', 'disc or 3D ball'], ['Space', 'paint or erase at the crosshair'],
  ['f', 'fill between two painted slices'], ['u, Shift u', 'undo, redo (Ctrl z, Ctrl y)'], ['+ -, r', 'zoom, whole pictures again'],
  ['t', 'dark or light'], ['Esc', 'back to the list'], ['?', 'this list'],
  ['Mouse', 'click or drag: crosshair, brush; wheel: slices; right button: move a zoomed picture'],
  ['Touch', 'one finger: crosshair, brush; two fingers: zoom, next slices, or move a zoomed picture']]

export function showHelp() {
  find('help-table').tBodies[0].replaceChildren(...HELP.map(([key, text]) =>
    make('tr', {}, make('td', {}, make('kbd', { textContent: key })), make('td', { textContent: text }))))
  find('help').showModal()
  find('help').scrollTop = 0
}

// actions: key -> function(event), as 'x', 'X' for Shift x, 'ctrl+z'. Typing into fields is left alone.
export function listen(actions, enabled) {
  window.addEventListener('keydown', (event) => {
    const single = event.key.length === 1
    const name = `${event.ctrlKey || event.metaKey ? 'ctrl+' : ''}${single && !event.shiftKey ? event.key.toLowerCase() : event.key}`
    const action = actions[name]
    const field = event.target.closest?.('select, dialog, input:not([type="range"], [type="checkbox"], [type="file"])')
    if (!action || event.altKey || field || document.querySelector('dialog[open]') || !enabled(name)) return
    if (event.target.matches?.('input[type="range"]') && /^(Arrow|Page)/.test(name)) return
    if (name === ' ' && event.target.matches?.('button, input, summary, a')) return
    event.preventDefault()
    event.stopPropagation()
    action(event)
  }, { capture: true })
}
