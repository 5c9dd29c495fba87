// One CT: pictures, threshold, lesions, corrections; ties the parts of the page together.
import { get, send, volume } from './api.js'
import { Brush } from './brush.js'
import { Canvas } from './canvas.js'
import { Compare } from './compare.js'
import { fillBetween } from './fill.js'
import { Keeper } from './keeper.js'
import { Mask } from './mask.js'
import { nifti } from './nifti.js'
import { facts, lesionList, saveButtons, volumeTable } from './panel.js'
import { choice, find } from '../../viewer/page/elements.js'
import { Scene } from '../../viewer/page/scene.js'
import { surface } from '../../viewer/page/surface.js'
import { pinch } from '../../viewer/page/touch.js'

export const WINDOWS = { lung: [-1350, 150], mediastinum: [-160, 240], bone: [-500, 1300] }
const RED = [229, 62, 62]
const COUNT_WAIT = 250 // ms until lesions are counted again
const SCENE_WAIT = 700 // ms until the 3D scene is made again
const HEARTBEAT = 4000 // ms; a tab that is silent for three of them loses its seat

export class CasePage {
  constructor(onProblem) {
    this.onProblem = onProblem
    this.tab = crypto.randomUUID()
    this.canvas = new Canvas((location) => this.moved(location))
    this.scene = new Scene((...sides) => sides.forEach((side, at) => { document.querySelectorAll('.side')[at].textContent = side }))
    this.keeper = new Keeper(this.tab, (text, kind) => {
      find('saved').textContent = text
      find('saved').dataset.kind = kind
    }, (entry) => { this.entry = { ...this.entry, ...entry } })
    this.brush = new Brush(find('flat'), this.canvas, () => this.edited())
    this.compare = new Compare(this)
    this.press = {}
    this.id = null
    this.mine = true
    this.lesions = []
    this.chosen = -1
    this.sessions = new Map()
  }

  async prepare() {
    await this.canvas.attach(find('slices'))
    await this.scene.attach(find('surfaces'))
    this.tools()
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
    find('layer').value = ''
    this.keeper.open(entry, mask)
    this.scene.show({ ...grid, voxels: mask.lungs }, [])
    this.buildScene()
    this.canvas.thinCrosshair()
    this.canvas.reset()
    this.scene.reset()
    this.sliceRange()
    this.count()
    this.goTo(this.lesions.length ? 0 : -1)
    await this.claim(false)
    this.beat = setInterval(() => this.claim(false), HEARTBEAT)
    say('')
    document.body.dataset.shown = id
  }

  async load(id) {
    const names = ['ct', 'scores', 'lungs', 'hand']
    const found = await Promise.all(names.map((name) => volume(id, name)))
    return Object.fromEntries(names.map((name, at) => [name, found[at]]))
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
    this.sayThreshold()
    facts(entry)
    saveButtons(Boolean(entry.about.series), (kind) => this.save(kind))
    this.compare.offer(entry)
  }

  // Resolves once everything is saved; throws where that fails and the user stays.
  async leave() {
    if (this.id === null) return
    if (this.mine) await this.keeper.flush()
    clearInterval(this.beat)
    this.sessions.set(this.id, { revision: this.keeper.revision, done: this.mask?.done ?? [], undone: this.mask?.undone ?? [] })
    send('POST', `/api/cases/${this.id}/seat`, { tab: this.tab, leave: true }).catch(() => {})
    this.compare.close()
    this.id = null
    this.canvas.mask = null
    delete document.body.dataset.shown
    find('saved').textContent = ''
  }

  // The first tab corrects; a later one is told so, and may take over.
  async claim(take) {
    const id = this.id
    let mine
    try {
      mine = (await send('POST', `/api/cases/${id}/seat`, { tab: this.tab, take })).mine
    } catch {
      return // the server is away for a moment: what is not saved says so by itself
    }
    if (id !== this.id) return
    if (take && mine) return this.reopen()
    this.mine = mine
    find('seat').hidden = mine
    find('seat').querySelector('p').textContent = 'This CT is open in another tab, which corrects it. Here you can only look.'
    for (const field of ['tool', 'brush-tools', 'fill', 'undo', 'redo', 'threshold', 'threshold-reset', 'keep', 'delete', 'name',
      'patient', 'date', 'checked']) find(field).toggleAttribute('inert', !mine)
    if (!mine) this.press.tool('cross')
  }

  async reopen() {
    const id = this.id
    clearInterval(this.beat)
    this.sessions.delete(id)
    await this.open(id)
  }

  // === what changes ===

  edited() {
    this.canvas.upload(this.mask.first, this.mask.last)
    this.keeper.changed()
    this.countSoon()
  }

  // Runs change(mask) between begin and end; says so where it changed nothing.
  change(work, nothing) {
    if (!this.mine || !this.mask) return
    this.mask.begin()
    work(this.mask)
    if (this.mask.end()) this.edited()
    else if (nothing) this.hint(nothing)
  }

  step(back) {
    if (!this.mine || !this.mask) return
    if (back ? this.mask.undo() : this.mask.redo()) this.edited()
    else this.hint(back ? 'Nothing to undo.' : 'Nothing to redo.')
  }

  setThreshold(value) {
    if (!this.mine || !this.mask) return
    const threshold = Math.min(255, Math.max(1, value))
    find('threshold').value = threshold
    this.mask.setThreshold(threshold)
    this.canvas.upload(0, this.mask.shape[2] - 1)
    this.sayThreshold()
    this.keeper.changed()
    this.countSoon()
  }

  sayThreshold() {
    const value = Number(find('threshold').value)
    find('threshold-said').textContent = `${(value / 255).toFixed(2)}${value === this.entry.about.cut ? ' (network)' : ''}`
  }

  fill() {
    const { axis } = this.canvas
    this.change((mask) => {
      this.filled = fillBetween(mask, axis, this.canvas.voxel[axis])
    }, 'Paint the lesion in two slices first, with slices between them.')
  }

  // === lesions ===

  countSoon() {
    clearTimeout(this.counting)
    clearTimeout(this.building)
    this.counting = setTimeout(() => this.count(), COUNT_WAIT)
    this.building = setTimeout(() => this.buildScene(), SCENE_WAIT)
    find('undo').disabled = !this.mask.done.length
    find('redo').disabled = !this.mask.undone.length
  }

  count() {
    if (!this.mask) return
    const at = this.chosen >= 0 && this.lesions[this.chosen]?.centre
    this.lesions = this.mask.lesions()
    for (const lesion of this.lesions) lesion.byHand = lesion.places.some((i) => this.mask.hand[i])
    this.chosen = at ? nearest(this.lesions, at) : this.chosen
    if (this.chosen >= this.lesions.length) this.chosen = -1
    this.numbers = this.mask.volumes()
    volumeTable(this.numbers)
    this.list()
    this.compare.update()
    find('undo').disabled = !this.mask.done.length
    find('redo').disabled = !this.mask.undone.length
  }

  list() {
    lesionList(this.lesions, this.chosen, (at) => this.goTo(at))
  }

  goTo(at) {
    this.chosen = at
    this.list()
    find('lesions').querySelector('[aria-pressed=true]')?.scrollIntoView({ block: 'nearest' })
    if (at >= 0) this.canvas.placeVoxel(this.mask.heart(this.lesions[at]))
  }

  next(by) {
    if (this.lesions.length) this.goTo((this.chosen + by + this.lesions.length) % this.lesions.length)
    else this.hint('There is no lesion in the mask.')
  }

  keep() {
    const lesion = this.lesions[this.chosen]
    if (lesion) this.change((mask) => lesion.places.forEach((i) => mask.keep(i)), 'It is kept already.')
  }

  remove() {
    const lesion = this.lesions[this.chosen]
    if (!lesion) return
    this.chosen = -1
    this.change((mask) => lesion.places.forEach((i) => mask.remove(i)))
  }

  buildScene() {
    if (!this.mask || this.id === null) return
    const { scene, mask } = this
    if (this.solid) scene.nv.removeMesh(this.solid)
    const { affine } = this.entry.about.grid
    this.solid = scene.add(surface(mask.shown, mask.shape, affine, (byte) => byte > 0, 0.3), RED, 1)
    // Lesions first: the lungs' glass is blended over them.
    if (this.solid) scene.nv.meshes.unshift(scene.nv.meshes.pop())
    scene.nv.drawScene()
  }

  // === looking ===

  moved(location) {
    const [x, y, z] = location.mm
    const hu = location.values[0]?.value
    find('place').textContent = `x ${x.toFixed(0)}, y ${y.toFixed(0)}, z ${z.toFixed(0)} mm: ${Math.round(hu)} HU`
    if (this.canvas.nv.volumes.length) find('slice').value = Math.round(this.canvas.voxel[this.canvas.axis])
    this.compare.follow()
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

  async setLayer(name) {
    find('layer').value = name
    const { scores } = this.mask
    const opacity = Number(find('layer-opacity').value)
    await this.canvas.setLayer(name ? { kind: 'map', top: 1, opacity, buffer: nifti(scores, this.entry.about.grid, 1 / 255) } : null,
      WINDOWS[this.windowName])
  }

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
      const entry = await send('PATCH', `/api/cases/${this.id}`, values)
      Object.assign(this.entry, entry)
      find('title').textContent = entry.name
      if ('patient' in values || 'date' in values) this.compare.offer(this.entry)
    } catch (error) {
      this.onProblem(error.message)
    }
  }

  // === tools ===

  tools() {
    const { press } = this
    press.view = choice(find('view'), [['all', 'All', 'All views ( v )'], ['axial', 'Axial', 'Axial ( a )'],
      ['coronal', 'Coronal', 'Coronal ( c )'], ['sagittal', 'Sagittal', 'Sagittal ( s )'], ['3d', '3D', '3D ( d )']], (view) => {
      find('stage').dataset.view = view
      this.canvas.setView(view)
      window.dispatchEvent(new Event('resize'))
      if (this.canvas.nv.volumes.length) this.sliceRange()
    })
    press.window = choice(find('window'), [['lung', 'Lung', '-1350 to 150 HU ( w )'],
      ['mediastinum', 'Mediastinum', '-160 to 240 HU ( w )'], ['bone', 'Bone', '-500 to 1300 HU ( w )']], (name) => {
      this.windowName = name
      this.canvas.setWindow(WINDOWS[name])
      this.compare.setWindow(WINDOWS[name])
    })
    press.tool = choice(find('tool'), [['cross', 'Crosshair', 'Crosshair ( h )'], ['brush', 'Brush', 'Brush ( b )'],
      ['eraser', 'Eraser', 'Eraser ( e )']], (tool) => {
      this.brush.tool = tool
      find('stage').dataset.tool = tool
    })
    press.view('all')
    press.window('lung')
    press.tool('cross')
    this.inputs()
  }

  inputs() {
    const size = () => {
      this.brush.radius = Number(find('size').value)
      find('size-said').textContent = `${this.brush.radius} mm`
    }
    find('size').oninput = size
    size()
    find('ball').onclick = () => {
      this.brush.ball = !this.brush.ball
      find('ball').setAttribute('aria-pressed', String(this.brush.ball))
    }
    find('fill').onclick = () => this.fill()
    find('undo').onclick = () => this.step(true)
    find('redo').onclick = () => this.step(false)
    find('threshold').oninput = () => this.setThreshold(Number(find('threshold').value))
    find('threshold-reset').onclick = () => this.setThreshold(this.entry.about.cut)
    find('opacity').oninput = () => this.canvas.setMaskOpacity(Number(find('opacity').value))
    find('layer').onchange = () => this.setLayer(find('layer').value)
    find('layer-opacity').oninput = () => this.canvas.setLayerOpacity(Number(find('layer-opacity').value))
    find('next-lesion').onclick = () => this.next(1)
    find('previous-lesion').onclick = () => this.next(-1)
    find('keep').onclick = () => this.keep()
    find('delete').onclick = () => this.remove()
    find('take-seat').onclick = () => this.claim(true)
    find('slice').oninput = () => this.canvas.move(this.canvas.axis, Number(find('slice').value) - Math.round(this.canvas.voxel[this.canvas.axis]))
    for (const name of ['name', 'patient', 'date']) find(name).onchange = () => this.describe({ [name]: find(name).value })
    find('checked').onchange = () => this.describe({ checked: find('checked').checked })
    pinch(find('slices'), (factor) => this.canvas.zoom(factor))
    pinch(find('surfaces'), (factor) => this.scene.zoom(factor))
  }

  // What keys do; see keys.js for the words.
  actions() {
    const { canvas, press, scene } = this
    const slice = (sign) => (event) => canvas.move(canvas.axis, sign * (event.shiftKey ? 10 : 1))
    const plane = (at, by) => () => canvas.move([0, 1, 2].filter((axis) => axis !== canvas.axis)[at], by)
    const slide = (id, by) => () => {
      find(id).value = Number(find(id).value) + by
      find(id).oninput()
    }
    const zoom = (factor) => () => {
      canvas.zoom(factor)
      scene.zoom(factor)
    }
    const names = Object.keys(WINDOWS)
    return { ArrowUp: slice(1), ArrowDown: slice(-1), PageUp: slice(10), PageDown: slice(-10), ArrowLeft: () => scene.turn(-10, 0),
      ArrowRight: () => scene.turn(10, 0), i: plane(1, 1), k: plane(1, -1), j: plane(0, -1), l: plane(0, 1),
      a: () => press.view('axial'), c: () => press.view('coronal'), s: () => press.view('sagittal'), d: () => press.view('3d'),
      v: () => press.view('all'), w: () => press.window(names[(names.indexOf(this.windowName) + 1) % names.length]),
      n: () => this.next(1), N: () => this.next(-1), y: () => this.keep(), x: () => this.remove(),
      '[': () => this.setThreshold(this.mask.threshold - 3), ']': () => this.setThreshold(this.mask.threshold + 3),
      m: () => canvas.setMaskOpacity(canvas.opacity ? 0 : Number(find('opacity').value) || 0.5),
      o: () => this.setLayer(find('layer').value ? '' : 'scores'), b: () => this.mine && press.tool('brush'),
      e: () => this.mine && press.tool('eraser'), h: () => press.tool('cross'), ',': slide('size', -1), '.': slide('size', 1),
      g: () => find('ball').click(), f: () => this.fill(), u: () => this.step(true), U: () => this.step(false),
      'ctrl+z': () => this.step(true), 'ctrl+y': () => this.step(false), 'ctrl+Z': () => this.step(false),
      ' ': () => this.mine && this.brush.active && this.brush.at(canvas.voxel.slice(), canvas.axis),
      '+': zoom(1.2), '=': zoom(1.2), '-': zoom(1 / 1.2), r: () => { canvas.reset(); scene.reset() } }
  }

  ground(colour) {
    if (this.prepared) this.scene.setGround(colour)
  }
}

function nearest(lesions, [x, y, z]) {
  const far = ({ centre }) => (centre[0] - x) ** 2 + (centre[1] - y) ** 2 + (centre[2] - z) ** 2
  return lesions.reduce((best, lesion, at) => (best < 0 || far(lesion) < far(lesions[best]) ? at : best), -1)
}
