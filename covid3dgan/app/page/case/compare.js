// Another CT of the patient beside this one: its slice at the same height of the lungs, and the change in ml.
import { get, volume } from '../api.js'
import { Canvas } from '../slices/canvas.js'
import { Mask } from '../slices/mask.js'
import { nifti } from '../slices/nifti.js'
import { changeTable } from './panel.js'
import { find, make } from '../../../viewer/page/elements.js'

export class Compare {
  constructor(page) {
    this.page = page
    this.canvas = new Canvas(() => {})
    this.shown = null
    find('earlier').onchange = () => this.choose(find('earlier').value).catch((error) => page.onProblem(error.message))
  }

  // Offers all other CTs, those of the same patient first and the earlier ones before the later.
  async offer(entry) {
    const { cases } = await get('/api/state').catch(() => ({ cases: [] }))
    if (this.page.id !== entry.id) return
    const others = cases.filter((other) => other.state === 'done' && other.id !== entry.id)
    const same = others.filter((other) => entry.patient && other.patient === entry.patient).sort((a, b) => (a.date < b.date ? 1 : -1))
    const rest = others.filter((other) => !same.includes(other))
    const options = (list) => list.map((other) => make('option', { value: other.id,
      textContent: [other.name, other.date].filter(Boolean).join(', ') }))
    const group = (label, list) => (list.length ? [make('optgroup', { label }, ...options(list))] : [])
    find('earlier').replaceChildren(make('option', { value: '', textContent: others.length ? 'none' : 'no other CT in the list' }),
      ...group('The same patient', same), ...group('Others', rest))
    find('earlier').value = this.shown?.entry.id ?? ''
  }

  async choose(id) {
    if (!id) return this.close()
    find('other').hidden = false
    find('stage').dataset.compare = 'yes'
    this.page.press.view('axial')
    find('other-name').textContent = 'Opening \u2026'
    if (!this.attached) await this.canvas.attach(find('other-slices'))
    this.attached = true
    this.canvas.setView('axial')
    window.dispatchEvent(new Event('resize'))
    const [entry, ct, scores, lungs, hand] = await Promise.all([get(`/api/cases/${id}`),
      ...['ct', 'scores', 'lungs', 'hand'].map((name) => volume(id, name))])
    const mask = new Mask({ ...entry.about.grid, scores: new Uint8Array(scores), lungs: new Uint8Array(lungs),
      hand: hand ? new Uint8Array(hand) : new Uint8Array(scores.byteLength), threshold: entry.threshold ?? entry.about.cut })
    await this.canvas.open(nifti(new Int16Array(ct), entry.about.grid), mask, this.window)
    this.canvas.reset()
    this.shown = { entry, numbers: mask.volumes(), span: span(mask) }
    find('other-name').textContent = [entry.name, entry.date].filter(Boolean).join(', ')
    this.update()
    this.follow()
  }

  close() {
    this.shown = null
    find('other').hidden = true
    find('changes').hidden = true
    find('earlier').value = ''
    if (find('stage').dataset.compare) {
      delete find('stage').dataset.compare
      window.dispatchEvent(new Event('resize'))
    }
  }

  setWindow(window_) {
    this.window = window_
    if (this.shown) this.canvas.setWindow(window_)
  }

  update() {
    if (!this.shown) return
    const [now, then] = [this.page.entry.date, this.shown.entry.date]
    const days = now && then ? Math.round((Date.parse(now) - Date.parse(then)) / 86_400_000) : null
    changeTable(this.page.findings.numbers, this.shown.numbers, days)
  }

  // The same share of the way from the lungs' lower to their upper end.
  follow() {
    if (!this.shown || !this.page.mask) return
    this.span = this.spanOf === this.page.mask ? this.span : span(this.page.mask)
    this.spanOf = this.page.mask
    const share = (this.page.canvas.voxel[2] - this.span[0]) / Math.max(1, this.span[1] - this.span[0])
    const { shape } = this.canvas.mask
    const z = Math.round(this.shown.span[0] + share * (this.shown.span[1] - this.shown.span[0]))
    this.canvas.placeVoxel([shape[0] >> 1, shape[1] >> 1, Math.min(shape[2] - 1, Math.max(0, z))])
  }
}

// First and last slice with lung.
function span({ lungs, steps, shape }) {
  const inside = []
  for (let z = 0; z < shape[2]; z++) if (lungs.subarray(z * steps[2], (z + 1) * steps[2]).includes(1)) inside.push(z)
  return [inside[0] ?? 0, inside[inside.length - 1] ?? shape[2] - 1]
}
