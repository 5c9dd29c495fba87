// The panel beside the pictures: volumes, the list of lesions, what can be saved, facts.
import { find, make, swatch } from '../../../viewer/page/elements.js'

const MOST_LISTED = 60
const SAVES = [['mask.nii.gz', 'NIfTI', 'The corrected mask on the CT\u2019s own grid'],
  ['network.nii.gz', 'Network\u2019s NIfTI', 'What the network said at its own threshold'],
  ['segmentation.dcm', 'DICOM', 'A DICOM segmentation, for a CT that came as DICOM'],
  ['lesions.csv', 'CSV', 'The lesions as a table'], ['report.png', 'Report (PNG)', 'A page with numbers and slices']]

export const millilitres = (value) => value.toFixed(value < 999.95 ? 1 : 0)

export function volumeTable({ right, left, both }) {
  const head = make('thead', {}, make('tr', {}, make('th', { scope: 'col', textContent: 'ml' }),
    ...['right', 'left', 'both'].map((side) => make('th', { scope: 'col', textContent: side }))))
  const line = (name, colour, cells) => make('tr', {}, make('th', { scope: 'row' }, swatch(colour), name), ...cells)
  find('volumes').replaceChildren(head, make('tbody', {},
    line('Lungs', 'rgb(86 140 232)', [right, left, both].map(({ lung }) => make('td', { textContent: millilitres(lung) }))),
    line('Lesions', 'rgb(229 62 62)', [right, left, both].map(({ ml, percent }) =>
      make('td', {}, millilitres(ml), make('small', { textContent: `${percent.toFixed(1)} %` }))))))
}

export function lesionList(lesions, chosen, onChoose) {
  find('lesion-count').textContent = `(${lesions.length})`
  const items = lesions.slice(0, MOST_LISTED).map((lesion, at) => make('li', {}, make('button', {
    textContent: `${lesion.ml < 0.095 ? lesion.ml.toFixed(2) : lesion.ml.toFixed(1)} ml, ${lesion.side}${lesion.byHand ? ', by hand' : ''}`,
    ariaPressed: String(at === chosen), onclick: () => onChoose(at) })))
  if (lesions.length > MOST_LISTED) items.push(make('li', { textContent: `and ${lesions.length - MOST_LISTED} smaller ones` }))
  find('lesions').replaceChildren(...items)
  for (const id of ['keep', 'delete']) find(id).disabled = chosen < 0
}

// onSave(kind) does it; the link appears as a download.
export function saveButtons(dicom, onSave) {
  find('save').replaceChildren(...SAVES.filter(([kind]) => dicom || kind !== 'segmentation.dcm').map(([kind, text, hint]) =>
    make('button', { textContent: text, title: hint, onclick: () => onSave(kind) })))
}

export function facts({ about, facts: found }) {
  const { shape, spacing } = about.grid
  const model = String(about.model.run ?? about.model.file ?? '').split(/[\\/]/).pop()
  const lines = [`Shown: the lungs\u2019 part, ${shape.join(' x ')} voxels of ${spacing.map((s) => Number(s.toPrecision(3))).join(' x ')} mm.`,
    'The patient\u2019s right is on the left of the picture.', `Network: ${model}. Lungs: ${about.lungs}.`]
  find('facts').replaceChildren(...lines.map((text) => make('p', { textContent: text })))
  find('warnings').replaceChildren(...(found.warnings ?? []).map((text) => make('li', { textContent: text })))
}

// The change since another CT: rows per side; `days` between them or null.
export function changeTable(now, then, days) {
  const sign = (value) => `${value > 0 ? '+' : ''}${value.toFixed(1)}`
  const rows = [['Lesions, right', now.right.ml, then.right.ml], ['Lesions, left', now.left.ml, then.left.ml],
    ['Lesions, both', now.both.ml, then.both.ml], ['Lungs, both', now.both.lung, then.both.lung]]
  find('changes').replaceChildren(make('caption', { textContent: days === null ? 'Change in ml' : `Change in ml over ${days} days` }),
    make('thead', {}, make('tr', {}, ...['', 'then', 'now', 'change'].map((text) => make(text ? 'th' : 'td', { textContent: text, ...(text ? { scope: 'col' } : {}) })))),
    make('tbody', {}, ...rows.map(([name, after, before]) => make('tr', {}, make('th', { scope: 'row', textContent: name }),
      make('td', { textContent: millilitres(before) }), make('td', { textContent: millilitres(after) }),
      make('td', { textContent: sign(after - before) })))))
  find('changes').hidden = false
}
