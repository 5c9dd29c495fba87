// The side panel: a switch and a slider for each layer, the table of volumes, and what is known of the CT.
import { css, HEAT_CSS, labelColour, LUNGS } from './colours.js'
import { find, make, swatch } from './elements.js'

const START = { mask: 0.55, map: 0.6, healthy: 1, lungs: 0.6 }
const TITLES = { healthy: 'as if healthy' }

// Every label of every mask of a case, in the order of its colours: [{ layer, label, colour, sizes }].
export function labelsOf(about) {
  return about.layers.flatMap((layer, number) => (layer.labels ?? []).map((sizes) => ({ layer: number, sizes })))
    .map((entry, index) => ({ ...entry, label: entry.sizes.label, colour: labelColour(index) }))
}

// Fills the list of layers; changed(number, opacity) and threshold(number, value) say what the user does. Layer
// 'lungs' is the 3D scene's. Returns { toggle(number) }.
export function layerList(about, changed, threshold) {
  const rows = about.layers.map((layer, number) => row(about, layer, number, changed, threshold))
  if (about.lungs) rows.push(row(about, { name: 'Lungs in 3D', kind: 'lungs' }, 'lungs', changed))
  find('layers').replaceChildren(...rows.map((entry) => entry.element))
  if (!about.layers.length) find('layers').append(make('p', { textContent: 'No mask was given: the CT alone.' }))
  for (const entry of rows) entry.apply()
  return { toggle: (number) => rows[number]?.toggle() }
}

function row(about, layer, number, changed, threshold) {
  // What would hide the CT or a mask starts switched off.
  const hides = layer.kind === 'healthy' || (layer.kind === 'map' && about.layers.some(({ kind }) => kind === 'mask'))
  const shown = make('input', { type: 'checkbox', checked: !hides, id: `shown-${number}` })
  const opacity = make('input', { type: 'range', min: 0, max: 1, step: 0.01, value: START[layer.kind],
    ariaLabel: `Opacity of ${layer.name}`, id: `opacity-${number}` })
  const apply = () => changed(number, shown.checked ? Number(opacity.value) : 0)
  shown.onchange = apply
  opacity.oninput = () => {
    shown.checked = Number(opacity.value) > 0
    apply()
  }
  const kind = TITLES[layer.kind] && TITLES[layer.kind] !== layer.name ? ` (${TITLES[layer.kind]})` : ''
  const name = make('label', { className: 'name', htmlFor: shown.id }, ...legend(about, layer, number), layer.name + kind)
  const element = make('div', { className: 'layer' }, shown, name,
    make('kbd', { textContent: number === 'lungs' ? 'l' : number + 1, title: 'Key that shows and hides it' }), opacity)
  if (layer.kind === 'map') element.append(...cut(layer, number, threshold))
  return { element, apply, toggle: () => shown.click() }
}

// The slider of the value from which a map is drawn.
function cut(layer, number, threshold) {
  const value = make('output', { textContent: short(layer.top / 10) })
  const slider = make('input', { type: 'range', min: layer.top / 255, max: layer.top * 0.99, step: layer.top / 200,
    value: layer.top / 10, ariaLabel: `Lowest shown value of ${layer.name}` })
  slider.oninput = () => {
    value.textContent = short(Number(slider.value))
    threshold(number, Number(slider.value))
  }
  return [make('small', {}, make('span', {}, 'shown from ', value), make('span', {}, `to ${short(layer.top)}`)), slider]
}

function legend(about, layer, number) {
  if (layer.kind === 'map') return [swatch(HEAT_CSS, true)]
  if (layer.kind === 'lungs') return [swatch(css(LUNGS))]
  return labelsOf(about).filter((entry) => entry.layer === number).map((entry) => swatch(css(entry.colour)))
}

// Millilitres and shares of the lung: the patient's right and left, and both. Without lungs only the whole.
export function volumeTable(about) {
  const sides = about.lungs ? [['right', 'right_'], ['left', 'left_'], ['both', '']] : [['all', '']]
  const head = make('thead', {}, make('tr', {}, make('th', { textContent: 'ml' }),
    ...sides.map(([title]) => make('th', { textContent: title, scope: 'col' }))))
  const body = make('tbody')
  if (about.lungs) body.append(line([swatch(css(LUNGS)), 'Lungs'], sides.map(([, side]) => cell(about.lungs[`${side}lung_ml`]))))
  for (const { layer, sizes, colour } of labelsOf(about)) {
    const { name, labels } = about.layers[layer]
    body.append(line([swatch(css(colour)), labels.length > 1 ? `${name} ${sizes.label}` : name], sides.map(([, side]) =>
      cell(sizes[`${side}infection_ml`], sizes[`${side}infection_rate_percent`]))))
  }
  find('volumes').replaceChildren(head, body)
  find('volumes').parentElement.hidden = !body.children.length
}

function line(name, cells) {
  return make('tr', {}, make('th', { scope: 'row' }, ...name), ...cells)
}

function cell(millilitres, percent) {
  const element = make('td', { textContent: millilitres < 99.95 ? millilitres.toFixed(1) : millilitres.toFixed(0) })
  if (percent !== undefined) element.append(make('small', { textContent: `${percent.toFixed(1)} %` }))
  return element
}

export function facts(about) {
  const size = about.shape.join(' x ')
  const step = about.spacing.map((value) => Number(value.toPrecision(3))).join(' x ')
  const lines = [`${size} voxels of ${step} mm; shown: the lungs, HU to the nearest 6.`,
    'The patient\u2019s right is on the left of the picture.', ...about.notes]
  if (!about.lungs) lines[0] = `${size} voxels of ${step} mm; HU to the nearest 6.`
  find('facts').replaceChildren(...lines.map((text) => make('p', { textContent: text })))
}

function short(value) {
  return String(Number(value.toPrecision(2)))
}
