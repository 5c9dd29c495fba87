// Lungs and findings as surfaces: NiiVue without a volume on a canvas of its own.
import { Niivue, NVMesh, SLICE_TYPE } from '@niivue/niivue'
import { LUNGS } from './colours.js'
import { surface } from './surface.js'
import { plainTouch } from './touch.js'

// Lungs like glass: clear where one looks straight at them, coloured at their rim.
const GLASS = `#version 300 es
precision highp int;
precision highp float;
uniform float opacity;
in vec4 vClr;
in vec3 vN;
out vec4 color;
void main() {
  float rim = 1.0 - abs(normalize(vN).z);
  float light = 0.55 + 0.45 * abs(normalize(vN).y);
  color = vec4(vClr.rgb * light, clamp(opacity * (0.22 + 1.1 * rim * rim), 0.0, 0.95));
}`

// What the left and the right edge of the scene show as it turns, from a camera in front of the patient on.
const AROUND = ['R', 'P', 'L', 'A']

export class Scene {
  constructor(onTurn) {
    this.nv = new Niivue({
      dragAndDropEnabled: false, show3Dcrosshair: false, isOrientCube: false, loadingText: '', logLevel: 'error',
      viewModeHotKey: '', clipPlaneHotKey: '', cycleClipPlaneHotKey: '', sliceType: SLICE_TYPE.RENDER,
      isOrientationTextVisible: true, meshXRay: 0, crosshairWidth: 0,
    })
    plainTouch(this.nv)
    this.findings = []
    this.nv.scene.onAzimuthElevationChange = (azimuth) => {
      const quarter = Math.round((azimuth - 180) / 90)
      onTurn(AROUND.at(quarter % 4), AROUND.at((quarter + 2) % 4))
    }
  }

  async attach(canvas) {
    await this.nv.attachToCanvas(canvas)
    this.nv.setSliceType(SLICE_TYPE.RENDER)
    this.glass = this.nv.setCustomMeshShader(GLASS, 'Glass')
    this.reset()
  }

  setGround(colour) {
    this.nv.opts.backColor = [...colour, 1]
    this.nv.drawScene()
  }

  // lungs: a NIfTI (data.js) or null; findings: [{ image, label, colour }]. Findings first: glass is blended over them.
  show(lungs, findings) {
    for (const mesh of [...this.nv.meshes]) this.nv.removeMesh(mesh)
    this.findings = findings.map(({ image, label, colour }) =>
      this.add(surface(image.voxels, image.shape, image.affine, (byte) => byte === label, 0.3), colour, 1))
    this.lungs = lungs && this.add(surface(lungs.voxels, lungs.shape, lungs.affine, (byte) => byte > 0, 0.5, 2), LUNGS, 0.6)
    if (this.lungs) this.nv.setMeshShader(this.lungs.id, this.glass)
    this.reset()
  }

  add({ points, triangles }, colour, opacity) {
    if (!triangles.length) return null
    const mesh = new NVMesh(points, triangles, '', new Uint8Array([...colour, 255]), opacity, true, this.nv.gl)
    this.nv.addMesh(mesh)
    return mesh
  }

  setVisible(number, visible) {
    this.change(this.findings[number], visible ? 1 : 0)
  }

  setLungs(opacity) {
    this.change(this.lungs, opacity)
  }

  change(mesh, opacity) {
    if (!mesh) return
    mesh.opacity = opacity
    mesh.visible = opacity > 0
    this.nv.drawScene()
  }

  turn(azimuth, elevation) {
    this.nv.setRenderAzimuthElevation(this.nv.scene.renderAzimuth + azimuth, this.nv.scene.renderElevation + elevation)
  }

  zoom(factor) {
    this.nv.setScale(Math.min(4, Math.max(0.4, this.nv.scene.volScaleMultiplier * factor)))
  }

  reset() {
    this.nv.setScale(1)
    this.nv.setRenderAzimuthElevation(180, 8)
  }
}
