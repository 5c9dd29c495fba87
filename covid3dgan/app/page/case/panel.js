// The panel beside the pictures: volumes, the list of lesions, what can be saved, facts.
import { find, make, swatch } from '../../../viewer/page/elements.js'

const MOST_LISTED = 60
const SAVES = [['mask.nii.gz', 'NIfTI', 'The corrected mask on the CT\u2019s own grid'],
  ['network.nii.gz', 'Network\u2019s NIfTI', 'What the network said at its own threshold'],
  ['segmentation.dcm', 'DICOM', 'A DICOM segmentation, for a CT that came as DICOM'],
  ['lesions.csv', 'CSV', 'The lesions as a table'], ['report.png', 'Report (PNG)', 'A page with numbers and slices']]

export const millilitres = (value) => value.toFixed(value < 999.95 ? 1 : 0)
const small = (value) => (value >= 0.095 ? millilitres(value) : value < 0.005 ? 'under 0.01' : value.toFixed(2))

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
    textContent: `${small(lesion.ml)} ml, ${lesion.side}${lesion.byHand ? ', by hand' : ''}`,
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
  const lines = [`Shown is the part with the lungs: ${shape.join(' \u00d7 ')} voxels of ${spacing.map((s) => Number(s.toPrecision(3))).join(' \u00d7 ')} mm.`,
    'The patient\u2019s right is on the left of the picture. Axial slices are counted from below.',
    `Network: ${model}. Lungs found by: ${about.lungs}.`]
  find('facts').replaceChildren(...lines.map((text) => make('p', { textContent: text })))
  find('warnings').replaceChildren(...(found.warnings ?? []).map((text) => make('li', { textContent: text })))
}

// This CT beside another, the earlier first; `days` from the other to this one, or null where a date is missing.
export function changeTable(ours, others, days) {
  const [[before, first], [after, last]] = days < 0 ? [[ours, 'this CT'], [others, 'other CT']] : [[others, 'other CT'], [ours, 'this CT']]
  const apart = days === null ? '' : `, ${Math.abs(days)} ${Math.abs(days) === 1 ? 'day' : 'days'} apart`
  const sign = (value) => (value > 0 ? `+${millilitres(value)}` : value < 0 ? `\u2212${millilitres(-value)}` : millilitres(0))
  const shown = (value) => Number(millilitres(value)) // the change is that of the numbers beside it
  const rows = [['Lesions, right', (now) => now.right.ml], ['Lesions, left', (now) => now.left.ml],
    ['Lesions, both', (now) => now.both.ml], ['Lungs, both', (now) => now.both.lung]]
  const cell = (tag, text, more = {}) => make(tag, { textContent: text, ...more })
  find('changes').replaceChildren(make('caption', { textContent: `Volumes in ml${apart}` }),
    make('thead', {}, make('tr', {}, cell('td', ''), ...[first, last, 'change'].map((text) => cell('th', text, { scope: 'col' })))),
    make('tbody', {}, ...rows.map(([name, of]) => make('tr', {}, cell('th', name, { scope: 'row' }), cell('td', millilitres(of(before))),
      cell('td', millilitres(of(after))), cell('td', sign(Number((shown(of(after)) - shown(of(before))).toFixed(1))))))))
  find('changes').hidden = false
}
