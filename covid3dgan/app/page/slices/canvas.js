// The slices of a case with its mask: the viewer's, and a mask whose changed slices alone go to the graphics card.
import { DRAG_MODE } from '@niivue/niivue'
import { Pace } from './pace.js'
import { Slices } from '../../../viewer/page/slices.js'

const MASK_UNIT = 7 // of NiiVue's drawing
// Transparent, the network's, the user's: red and amber differ in lightness, too.
const COLOURS = { R: [0, 229, 255], G: [0, 62, 190], B: [0, 62, 40], A: [0, 255, 255], I: [0, 1, 2],
  labels: ['', 'network', 'by hand'] }
export const AXIS_OF_TILE = [2, 1, 0] // axial, coronal, sagittal

export class Canvas extends Slices {
  async attach(canvas) {
    await super.attach(canvas)
    this.drawNow = this.nv.drawScene.bind(this.nv)
    this.nv.drawScene = () => this.draw()
    // A canvas of a new size is empty, and the page may be shown before the next frame.
    const resized = this.nv.resizeListener.bind(this.nv)
    this.nv.resizeListener = () => {
      resized()
      this.drawNow()
    }
    this.pace = new Pace((coarse) => {
      this.nv.setHighResolutionCapable(coarse ? window.devicePixelRatio / 2 : 0)
      this.thinCrosshair()
    })
    this.nv.setDrawColormap(COLOURS)
    this.nv.opts.dragMode = DRAG_MODE.pan // the right button
    this.opacity = 0.5
  }

  // ct: a NIfTI file (nifti.js); mask: mask.js's.
  async open(ct, mask, window) {
    this.mask = mask
    this.extra = null
    await this.show(ct, [], window)
    await this.refresh()
    const { nv } = this
    nv.drawTexture = nv.r8Tex(nv.drawTexture, nv.gl.TEXTURE0 + MASK_UNIT, [3, ...mask.shape], true)
    nv.drawBitmap = mask.shown
    nv.drawOpacity = this.opacity
    this.upload(0, mask.shape[2] - 1)
  }

  // Sends slices first to last of the mask to the graphics card, and draws.
  upload(first, last) {
    if (last < first) return
    const { gl, drawTexture } = this.nv
    const { shape, steps, shown } = this.mask
    gl.activeTexture(gl.TEXTURE0 + MASK_UNIT)
    gl.bindTexture(gl.TEXTURE_3D, drawTexture)
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1)
    gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, first, shape[0], shape[1], last - first + 1, gl.RED, gl.UNSIGNED_BYTE,
      shown.subarray(first * steps[2], (last + 1) * steps[2]))
    this.draw()
  }

  // Whoever asks, NiiVue draws once for all changes until the next frame.
  draw() {
    this.drawing ??= requestAnimationFrame((now) => {
      this.pace.frame(now, Boolean(this.mask?.stroke))
      this.drawing = undefined
      this.drawNow()
    })
  }

  setMaskOpacity(opacity) {
    this.opacity = opacity
    this.nv.drawOpacity = opacity
    this.draw()
  }

  // A layer between CT and mask: { buffer, kind, opacity } as viewer/page/slices.js takes it; null takes it away.
  async setLayer(layer, window) {
    if (this.extra !== null) this.nv.removeVolume(this.nv.volumes[this.extra])
    this.extra = null
    if (!layer) return this.refresh()
    this.extra = this.nv.volumes.length
    await this.add(layer, window)
    this.nv.volumes[this.extra].opacity = layer.opacity
    return this.refresh()
  }

  setLayerOpacity(opacity) {
    if (this.extra === null) return
    this.nv.volumes[this.extra].opacity = opacity
    this.refresh()
  }

  // { voxel, axis (the plane's normal) } under the pointer, or null beside the pictures.
  under(event) {
    const box = this.nv.canvas.getBoundingClientRect()
    const scale = this.nv.uiData.dpr
    const at = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale]
    const frac = this.nv.canvasPos2frac(at)
    const tile = this.nv.screenSlices[this.nv.tileIndex(...at)]
    if (!tile || frac[0] < 0 || AXIS_OF_TILE[tile.axCorSag] === undefined) return null
    return { voxel: Array.from(this.nv.frac2vox(frac), Math.round), axis: AXIS_OF_TILE[tile.axCorSag] }
  }

  // Pixels of the page that a millimetre takes in the picture under the pointer; 0 beside the pictures.
  scaleUnder(event) {
    const box = this.nv.canvas.getBoundingClientRect()
    const scale = this.nv.uiData.dpr
    const tile = this.nv.screenSlices[this.nv.tileIndex((event.clientX - box.left) * scale, (event.clientY - box.top) * scale)]
    return tile && AXIS_OF_TILE[tile.axCorSag] !== undefined ? tile.leftTopWidthHeight[2] / Math.abs(tile.fovMM[0]) / scale : 0
  }

  // Moves zoomed pictures by pixels of the page, as seen in the plane under the pointer.
  pan(right, up, event) {
    const spot = this.under(event)
    if (!spot) return
    const to = [...this.nv.scene.pan2Dxyzmm]
    const pixels = this.scaleUnder(event) / to[3] // NiiVue moves by millimetres of whole pictures
    // The patient's right is on the left; a sagittal picture looks to the right.
    to[spot.axis === 0 ? 1 : 0] += (spot.axis === 0 ? right : -right) / pixels
    to[spot.axis === 2 ? 1 : 2] += up / pixels
    this.nv.setPan2Dxyzmm(to)
    this.nv.drawScene()
  }

  placeVoxel(voxel) {
    this.nv.scene.crosshairPos = this.nv.vox2frac(voxel)
    this.nv.createOnLocationChange()
    this.draw()
  }
}
