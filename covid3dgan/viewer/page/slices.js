// Axial, coronal and sagittal slices: NiiVue on one canvas.
import { DRAG_MODE, Niivue, NVImage, SLICE_TYPE } from '@niivue/niivue'
import { HEAT, OPAQUE } from './colours.js'
import { plainContext, sliceShaders } from './slice_shader.js'
import { plainTouch } from './touch.js'

const { AXIAL, CORONAL, SAGITTAL } = SLICE_TYPE
// Left, top, width, height as shares of the canvas; the fourth quarter belongs to the 3D scene.
const LAYOUTS = {
  all: [[AXIAL, [0, 0, 0.5, 0.5]], [CORONAL, [0.5, 0, 0.5, 0.5]], [SAGITTAL, [0, 0.5, 0.5, 0.5]]],
  axial: [[AXIAL, [0, 0, 1, 1]]],
  coronal: [[CORONAL, [0, 0, 1, 1]]],
  sagittal: [[SAGITTAL, [0, 0, 1, 1]]],
  '3d': [[AXIAL, [0, 0, 1, 1]]],
}
// NiiVue's COLORMAP_TYPE, which it does not export: colours from 0 to the largest value, nothing below the cut. Its list
// calls that 1, its shaders do it for 2 (0.69.0); for 1 they make all above the cut opaque.
const TRANSPARENT_BELOW = 2
// A CT, what a GAN makes of its lungs, and a whole CT in the place of the first: black is black there, too.
const WINDOWED = ['ct', 'healthy', 'instead']
const AXIS = { all: 2, axial: 2, coronal: 1, sagittal: 0, '3d': 2 }

export class Slices {
  constructor(onMove) {
    this.view = 'all'
    this.nv = new Niivue({
      backColor: [0, 0, 0, 1], crosshairColor: [0.35, 0.75, 1, 0.8], crosshairWidth: 0.6,
      crosshairWidthUnit: 'mm', crosshairGap: 8, fontColor: [1, 0.72, 0.2, 1], isRadiologicalConvention: true, dragAndDropEnabled: false, show3Dcrosshair: false,
      dragMode: DRAG_MODE.none, dragModePrimary: DRAG_MODE.crosshair, loadingText: '', logLevel: 'error',
      viewModeHotKey: '', clipPlaneHotKey: '', cycleClipPlaneHotKey: '', tileMargin: 4, multiplanarEqualSize: false,
    })
    this.nv.onLocationChange = onMove
    plainTouch(this.nv)
  }

  async attach(canvas) {
    plainContext(canvas)
    await this.nv.attachToCanvas(canvas)
    this.shaders = sliceShaders(this.nv)
    this.nv.addColormap('heat', HEAT)
    this.nv.addColormap('opaque', OPAQUE)
    this.setView(this.view)
  }

  // layers: [{ buffer, kind, colours, top }]. Masks are drawn over maps, those over the CT as if healthy.
  async show(ct, layers, window) {
    // NiiVue would draw every layer anew for each that comes or goes.
    this.nv.updateGLVolume = () => {}
    try {
      for (const old of [...this.nv.volumes].reverse()) this.nv.removeVolume(old)
      await this.add({ buffer: ct, kind: 'ct' }, window)
      this.drawn = {}
      for (const kind of ['healthy', 'map', 'mask']) {
        for (const [number, layer] of layers.entries()) {
          if (layer.kind !== kind) continue
          this.drawn[number] = this.nv.volumes.length
          await this.add(layer, window)
        }
      }
    } finally {
      delete this.nv.updateGLVolume
    }
    this.refresh()
  }

  // Blends the layers anew, once for all changes until the next frame.
  refresh() {
    this.waiting ??= new Promise((done) => requestAnimationFrame(() => {
      this.waiting = undefined
      this.nv.customSliceShader = this.nv.volumes.length > 1 ? this.shaders.layered : this.shaders.bare
      this.nv.updateGLVolume()
      done()
    }))
    return this.waiting
  }

  async add({ buffer, kind, colours, top }, window) {
    const image = await NVImage.new(buffer, `${kind}.nii`, { map: 'heat', instead: 'opaque' }[kind] ?? 'gray', 1)
    image.name = kind
    if (kind === 'mask') image.setColormapLabel(lookup(colours))
    if (kind === 'map') {
      image.colormapType = TRANSPARENT_BELOW
      ;[image.cal_min, image.cal_max] = [top / 10, top]
    }
    if (WINDOWED.includes(kind)) [image.cal_min, image.cal_max] = window
    if (kind !== 'ct') image.opacity = 0
    this.nv.addVolume(image)
  }

  setWindow([low, high]) {
    for (const image of this.nv.volumes) {
      if (WINDOWED.includes(image.name)) [image.cal_min, image.cal_max] = [low, high]
    }
    this.refresh()
  }

  // number: the layer's place in the list that show() got.
  setOpacity(number, opacity) {
    this.nv.volumes[this.drawn[number]].opacity = opacity
    this.refresh()
  }

  setThreshold(number, value) {
    this.nv.volumes[this.drawn[number]].cal_min = value
    this.refresh()
  }

  setView(view) {
    this.view = view
    this.thinCrosshair()
    this.nv.setCustomLayout(LAYOUTS[view].map(([sliceType, position]) => ({ sliceType, position })))
  }

  // NiiVue's crosshair is millimetres wide: as many as are a pixel and a half.
  thinCrosshair() {
    if (!this.nv.volumes.length) return
    const extent = this.shape[0] * this.nv.volumes[0].pixDimsRAS[1]
    const { canvas } = this.nv
    const pixels = Math.min(canvas.clientWidth, canvas.width) * (this.view === 'all' ? 0.5 : 1)
    this.nv.opts.crosshairWidth = (1.5 * extent) / Math.max(1, pixels) / this.nv.scene.pan2Dxyzmm[3]
    if (this.nv.crosshairs3D?.mm) this.nv.crosshairs3D.mm[0] = NaN // so that NiiVue makes it anew
  }

  setTool(tool) {
    this.nv.opts.dragModePrimary = tool === 'pan' ? DRAG_MODE.pan : DRAG_MODE.crosshair
    this.nv.opts.dragMode = tool === 'pan' ? DRAG_MODE.pan : DRAG_MODE.none
  }

  reset() {
    this.whole()
    this.nv.scene.crosshairPos = [0.5, 0.5, 0.5]
    this.nv.createOnLocationChange()
    this.nv.drawScene()
  }

  get zoomed() {
    return this.nv.scene.pan2Dxyzmm[3] > 1
  }

  // Whole pictures again, around the same place.
  whole() {
    this.nv.setPan2Dxyzmm([0, 0, 0, 1])
    this.thinCrosshair()
    this.nv.drawScene()
  }

  // The crosshair in the middle of zoomed pictures.
  centre() {
    if (!this.zoomed) return
    const scale = this.nv.scene.pan2Dxyzmm[3]
    const [middle, at] = [this.nv.frac2mm([0.5, 0.5, 0.5]), this.nv.frac2mm(this.nv.scene.crosshairPos)]
    this.nv.setPan2Dxyzmm([...[0, 1, 2].map((axis) => middle[axis] - scale * at[axis]), scale])
    this.nv.drawScene()
  }

  // About the crosshair, which stays where it is.
  zoom(factor) {
    const [x, y, z, scale] = this.nv.scene.pan2Dxyzmm
    const to = Math.min(12, Math.max(0.5, scale * factor))
    const at = this.nv.frac2mm(this.nv.scene.crosshairPos)
    this.nv.setPan2Dxyzmm([x + (scale - to) * at[0], y + (scale - to) * at[1], z + (scale - to) * at[2], to])
    this.thinCrosshair()
    this.nv.drawScene()
  }

  // The axis that the slice slider and the arrow keys move along.
  get axis() {
    return AXIS[this.view]
  }

  get shape() {
    return this.nv.volumes[0].dimsRAS.slice(1, 4)
  }

  get voxel() {
    return this.nv.frac2vox(this.nv.scene.crosshairPos)
  }

  move(axis, count) {
    const by = [0, 0, 0]
    by[axis] = count
    this.nv.moveCrosshairInVox(...by)
  }

  place(millimetres) {
    this.nv.scene.crosshairPos = this.nv.mm2frac(millimetres)
    this.nv.createOnLocationChange()
    this.nv.drawScene()
  }
}

// NiiVue's label table: transparent background, then one colour for each label.
function lookup(colours) {
  const all = [[0, 0, 0], ...colours]
  const channel = (index) => all.map((colour) => colour[index])
  return { R: channel(0), G: channel(1), B: channel(2), A: all.map((_, label) => (label ? 255 : 0)),
    I: all.map((_, label) => label), labels: all.map((_, label) => `${label}`) }
}
