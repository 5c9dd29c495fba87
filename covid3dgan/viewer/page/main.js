// The page: opens the first case and ties the tools to slices, 3D scene and panel.
import { about, nifti, volume } from './data.js'
import { choice, find, make } from './elements.js'
import { listen, showHelp } from './keys.js'
import { facts, labelsOf, layerList, volumeTable } from './panel.js'
import { Scene } from './scene.js'
import { Slices } from './slices.js'
import { pinch } from './touch.js'

const WINDOWS = { lung: [-1350, 150], soft: [-160, 240], wide: [-1024, 500] }
const page = about()
const slices = new Slices(moved)
const scene = new Scene((...sides) => sides.forEach((side, at) => { document.querySelectorAll('.side')[at].textContent = side }))
const press = {}
let current = -1
let panel = { toggle() {} }
let window_ = 'lung'

async function start() {
  find('licences').textContent = find('licence-texts').textContent.trim()
  find('notice').textContent = page.notice
  for (const [number, entry] of page.cases.entries()) find('case').append(make('option', { value: number, textContent: entry.id }))
  find('chooser').hidden = page.cases.length < 2
  await slices.attach(find('slices'))
  await scene.attach(find('surfaces'))
  tools()
  keyboard()
  await open(named())
  window.addEventListener('hashchange', () => open(named()))
}

// The case that the address names, as in view.html#ID; the first one otherwise.
function named() {
  const id = decodeURIComponent(location.hash.slice(1))
  return Math.max(0, page.cases.findIndex((entry) => entry.id === id))
}

// Decodes and shows a case.
async function open(number) {
  if (number === current || !page.cases[number]) return
  current = number
  const entry = page.cases[number]
  say(`Opening ${entry.id} \u2026`)
  await nextFrame()
  const labels = labelsOf(entry)
  const ct = await volume(number, 'ct')
  const lungs = await volume(number, 'lungs')
  const layers = await Promise.all(entry.layers.map((_, layer) => volume(number, layer)))
  if (number !== current) return
  find('title').textContent = document.title = page.title
  find('case').value = number
  await slices.show(ct, entry.layers.map((layer, at) => ({ kind: layer.kind, top: layer.top,
    buffer: layer.kind === 'healthy' ? filled(layers[at], ct) : layers[at],
    colours: labels.filter((label) => label.layer === at).map((label) => label.colour) })), WINDOWS[window_])
  scene.show(lungs && nifti(lungs), labels.map(({ layer, label, colour }) => ({ image: nifti(layers[layer]), label, colour })))
  panel = layerList(entry, (layer, opacity) => {
    if (layer === 'lungs') return scene.setLungs(opacity)
    slices.setOpacity(layer, opacity)
    labels.forEach((label, at) => label.layer === layer && scene.setVisible(at, opacity > 0))
  }, (layer, value) => slices.setThreshold(layer, value))
  volumeTable(entry)
  facts(entry)
  await slices.refresh()
  slices.thinCrosshair()
  slices.reset()
  goToFinding(labels, layers)
  sliceRange()
  say('')
  document.body.dataset.shown = entry.id
}

// As if healthy where it is known, the CT itself elsewhere: only the lungs change with its opacity.
function filled(healthy, ct) {
  const to = nifti(healthy).voxels
  const from = nifti(ct).voxels
  for (let i = 0; i < to.length; i++) if (to[i] === 0) to[i] = from[i]
  return healthy
}

// The crosshair starts inside the first mask, in the slice with the most of it.
function goToFinding(labels, layers) {
  if (!labels.length) return
  const { voxels, shape, affine } = nifti(layers[labels[0].layer])
  const area = shape[0] * shape[1]
  let best = []
  for (let z = 0; z < shape[2]; z++) {
    const inside = []
    for (let i = z * area; i < (z + 1) * area; i++) if (voxels[i]) inside.push(i)
    if (inside.length > best.length) best = inside
  }
  if (!best.length) return
  const middle = best[best.length >> 1]
  const voxel = [middle % shape[0], Math.floor((middle % area) / shape[0]), Math.floor(middle / area)]
  slices.place(affine.map((row) => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3]))
}

function moved(location) {
  const [x, y, z] = location.mm
  const values = location.values.map((entry, number) => number === 0 ? `${Math.round(entry.value)} HU` : '').join('')
  find('place').textContent = `x ${x.toFixed(0)}, y ${y.toFixed(0)}, z ${z.toFixed(0)} mm: ${values}`
  if (slices.nv.volumes.length) find('slice').value = Math.round(slices.voxel[slices.axis])
}

function sliceRange() {
  find('slice').max = slices.shape[slices.axis] - 1
  find('slice').value = Math.round(slices.voxel[slices.axis])
}

function tools() {
  press.view = choice(find('view'), [['all', 'All', 'All views ( v )'], ['axial', 'Axial', 'Axial ( a )'],
    ['coronal', 'Coronal', 'Coronal ( c )'], ['sagittal', 'Sagittal', 'Sagittal ( s )'], ['3d', '3D', '3D ( d )']], (view) => {
    find('stage').dataset.view = view
    slices.setView(view)
    window.dispatchEvent(new Event('resize'))
    if (slices.nv.volumes.length) sliceRange()
  })
  press.window = choice(find('window'), [['lung', 'Lung', '-1350 to 150 HU ( w )'], ['soft', 'Soft tissue', '-160 to 240 HU ( w )'],
    ['wide', 'Wide', '-1024 to 500 HU ( w )']], (name) => { window_ = name; slices.setWindow(WINDOWS[name]) })
  press.tool = choice(find('tool'), [['cross', 'Crosshair', 'Dragging moves the crosshair ( p )'],
    ['pan', 'Pan, zoom', 'Dragging moves the picture, the wheel zooms ( p )']], (tool) => slices.setTool(tool))
  press.view('all')
  press.window('lung')
  press.tool('cross')
  find('reset').onclick = reset
  find('theme').onclick = () => theme(document.documentElement.dataset.theme === 'light' ? 'dark' : 'light')
  find('keys').onclick = showHelp
  find('case').onchange = () => open(Number(find('case').value))
  find('previous').onclick = () => open(current - 1)
  find('next').onclick = () => open(current + 1)
  find('slice').oninput = () => slices.move(slices.axis, Number(find('slice').value) - Math.round(slices.voxel[slices.axis]))
  pinch(find('slices'), (factor) => slices.zoom(factor), ({ slices: count }) => count && slices.move(slices.axis, count))
  pinch(find('surfaces'), (factor) => scene.zoom(factor))
  theme(matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark')
}

function reset() {
  slices.reset()
  scene.reset()
}

function next(group, values) {
  const pressed = find(group).querySelector('[aria-pressed="true"]').dataset.value
  press[group](values[(values.indexOf(pressed) + 1) % values.length])
}

function keyboard() {
  const step = (sign) => (event) => slices.move(slices.axis, sign * (event.shiftKey ? 10 : 1))
  const layer = Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => [`${digit}`, () => panel.toggle(digit - 1)]))
  const zoom = (factor) => () => { slices.zoom(factor); scene.zoom(factor) }
  listen({ ...layer, ArrowUp: step(1), ArrowDown: step(-1), PageUp: step(10), PageDown: step(-10),
    ArrowLeft: () => scene.turn(-10, 0), ArrowRight: () => scene.turn(10, 0), l: () => find('shown-lungs')?.click(),
    a: () => press.view('axial'), c: () => press.view('coronal'), s: () => press.view('sagittal'), d: () => press.view('3d'),
    v: () => press.view('all'), w: () => next('window', Object.keys(WINDOWS)), p: () => next('tool', ['cross', 'pan']),
    '+': zoom(1.2), '=': zoom(1.2), '-': zoom(1 / 1.2), r: reset, '[': () => open(current - 1), ']': () => open(current + 1),
    t: () => find('theme').click(), '?': showHelp })
}

function theme(name) {
  document.documentElement.dataset.theme = name
  find('theme').textContent = name === 'light' ? 'Dark' : 'Light'
  const ground = getComputedStyle(document.documentElement).getPropertyValue('--scene').trim()
  scene.setGround([1, 3, 5].map((at) => parseInt(ground.slice(at, at + 2), 16) / 255))
}

function say(text) {
  find('status').textContent = text
}

const nextFrame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))

start().catch((error) => {
  say(`This CT cannot be drawn here: ${error.message}. The page needs a browser with WebGL 2.`)
  console.error(error)
})
