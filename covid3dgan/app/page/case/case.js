// One CT: opens it, holds what belongs to it, and leaves it once everything is saved.
import { get, send, volume } from '../api.js'
import { Brush } from '../slices/brush.js'
import { Canvas } from '../slices/canvas.js'
import { Compare } from './compare.js'
import { WINDOWS, controls } from './controls.js'
import { Corrections } from './corrections.js'
import { Findings } from './findings.js'
import { Keeper } from './keeper.js'
import { Layer } from './layer.js'
import { Mask } from '../slices/mask.js'
import { nifti } from '../slices/nifti.js'
import { facts, saveButtons } from './panel.js'
import { Seat } from './seat.js'
import { find } from '../../../viewer/page/elements.js'
import { Scene } from '../../../viewer/page/scene.js'

const VOLUMES = ['ct', 'scores', 'lungs', 'hand']

export class CasePage {
  constructor(onProblem) {
    this.onProblem = onProblem
    this.canvas = new Canvas((location) => this.moved(location))
    this.scene = new Scene((...sides) => sides.forEach((side, at) => { document.querySelectorAll('.side')[at].textContent = side }))
    this.seat = new Seat(this)
    this.keeper = new Keeper(this.seat.tab, (text, kind) => {
      find('saved').textContent = text
      find('saved').dataset.kind = kind
    }, (entry) => { this.entry = { ...this.entry, ...entry } })
    this.corrections = new Corrections(this)
    this.findings = new Findings(this)
    this.brush = new Brush(find('flat'), this.canvas, () => this.corrections.edited())
    this.compare = new Compare(this)
    this.layer = new Layer(this)
    this.press = {}
    this.id = null
    this.mask = null
    this.sessions = new Map()
  }

  async prepare() {
    await this.canvas.attach(find('slices'))
    await this.scene.attach(find('surfaces'))
    controls(this)
    this.prepared = true
  }

  // === opening and leaving ===

  async open(id) {
    this.id = id
    const say = (text) => { find('status').textContent = text }
    say('Opening \u2026')
    find('title').textContent = ''
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    if (!this.prepared) await this.prepare()
    const [entry, loaded] = await Promise.all([get(`/api/cases/${id}`), this.load(id)])
    if (this.id !== id) return
    this.show(entry)
    const mask = this.maskOf(entry, loaded)
    const session = this.sessions.get(id)
    if (session?.revision === entry.revision) Object.assign(mask, { done: session.done, undone: session.undone })
    this.mask = mask
    const { grid } = entry.about
    await this.canvas.open(nifti(new Int16Array(loaded.ct), grid), mask, WINDOWS[this.windowName])
    this.keeper.open(entry, mask)
    this.scene.show({ ...grid, voxels: mask.lungs }, [])
    this.findings.buildScene()
    this.canvas.thinCrosshair()
    this.canvas.reset()
    this.scene.reset()
    this.sliceRange()
    this.findings.begin()
    await this.seat.begin()
    say('')
    document.body.dataset.shown = id
  }

  async load(id) {
    const found = await Promise.all(VOLUMES.map((name) => volume(id, name)))
    return Object.fromEntries(VOLUMES.map((name, at) => [name, found[at]]))
  }

  maskOf(entry, { scores, lungs, hand }) {
    return new Mask({ ...entry.about.grid, scores: new Uint8Array(scores), lungs: new Uint8Array(lungs),
      hand: hand ? new Uint8Array(hand) : new Uint8Array(scores.byteLength), threshold: entry.threshold ?? entry.about.cut })
  }

  show(entry) {
    this.entry = entry
    find('title').textContent = entry.name
    for (const name of ['name', 'patient', 'date']) find(name).value = entry[name]
    find('checked').checked = Boolean(entry.checked)
    find('threshold').value = entry.threshold ?? entry.about.cut
    this.corrections.sayThreshold()
    facts(entry)
    saveButtons(Boolean(entry.about.series), (kind) => this.save(kind))
    this.layer.offer(entry)
    this.compare.offer(entry)
  }

  // Resolves once everything is saved; throws where that fails and the user stays.
  async leave() {
    if (this.id === null) return
    if (this.seat.mine) await this.keeper.flush()
    this.sessions.set(this.id, { revision: this.keeper.revision, done: this.mask?.done ?? [], undone: this.mask?.undone ?? [] })
    this.seat.leave()
    this.compare.close()
    this.id = null
    this.canvas.mask = null
    delete document.body.dataset.shown
    find('saved').textContent = ''
  }

  // As it is on the disk: another tab may have changed it.
  async reopen() {
    this.sessions.delete(this.id)
    await this.open(this.id)
  }

  // === what the page says ===

  moved(location) {
    const [x, y, z] = location.mm
    const hu = location.values[0]?.value
    const slice = this.canvas.nv.volumes.length ? `slice ${this.sliceNumber}; ` : ''
    find('place').textContent = `${slice}x ${x.toFixed(0)}, y ${y.toFixed(0)}, z ${z.toFixed(0)} mm; ${Math.round(hu)} HU`
    if (this.canvas.nv.volumes.length) find('slice').value = Math.round(this.canvas.voxel[this.canvas.axis])
    this.compare.follow()
  }

  // Of the whole CT, of which a part is shown; from 1.
  get sliceNumber() {
    const { axis, voxel } = this.canvas
    return (this.entry?.about.grid.part[axis][0] ?? 0) + Math.round(voxel[axis]) + 1
  }

  sliceRange() {
    find('slice').max = this.canvas.shape[this.canvas.axis] - 1
    find('slice').value = Math.round(this.canvas.voxel[this.canvas.axis])
  }

  hint(text) {
    find('status').textContent = text
    clearTimeout(this.hinting)
    this.hinting = setTimeout(() => { find('status').textContent = '' }, 2500)
  }

  ground(colour) {
    if (this.prepared) this.scene.setGround(colour)
  }

  // === what the user keeps ===

  async save(kind) {
    try {
      await this.keeper.flush()
      const answer = await fetch(`/api/cases/${this.id}/save/${kind}`)
      if (!answer.ok) throw new Error(await answer.text())
      const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition'))[1]
      const address = URL.createObjectURL(await answer.blob())
      Object.assign(document.createElement('a'), { href: address, download: name }).click()
      setTimeout(() => URL.revokeObjectURL(address), 60_000)
      this.hint(`${name} is in your downloads.`)
    } catch (error) {
      this.onProblem(error.message)
    }
  }

  async describe(values) {
    try {
      if (values.name?.trim() === '') throw new Error('A CT needs a name; it keeps the one that it has.')
      const entry = await send('PATCH', `/api/cases/${this.id}`, values)
      Object.assign(this.entry, entry)
      find('title').textContent = entry.name
      if ('patient' in values || 'date' in values) this.compare.offer(this.entry)
    } catch (error) {
      for (const name of Object.keys(values).filter((each) => each !== 'checked')) find(name).value = this.entry[name]
      this.onProblem(error.message)
    }
  }
}
