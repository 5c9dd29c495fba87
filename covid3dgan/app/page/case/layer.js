// What lies between the CT and its mask, if anything: the network's scores, or the CT as if it were healthy.
import { volume } from '../api.js'
import { WINDOWS } from './controls.js'
import { nifti } from '../slices/nifti.js'
import { find } from '../../../viewer/page/elements.js'

const OPACITY = { scores: 0.6, healthy: 1 }
const NONE = 'No CT as if healthy: this CT was segmented without a generator.'

export class Layer {
  constructor(page) {
    this.page = page
    this.name = ''
    find('layer').onchange = () => this.choose(find('layer').value)
    find('layer-opacity').oninput = () => this.page.canvas.setLayerOpacity(Number(find('layer-opacity').value))
  }

  // A CT was opened. about.healthy: true, or the sentence that says why there is none.
  offer({ about }) {
    const there = about.healthy === true
    this.name = ''
    this.healthy = null
    find('layer').value = ''
    find('layer-opacity').disabled = true
    find('layer').querySelector('[value=healthy]').hidden = !there
    find('no-healthy').hidden = there
    find('no-healthy').textContent = about.healthy || NONE
  }

  toggle(name) {
    if (name === 'healthy' && this.page.entry.about.healthy !== true) this.page.hint(find('no-healthy').textContent)
    else this.choose(this.name === name ? '' : name)
  }

  async choose(name) {
    const { id, canvas, onProblem, windowName } = this.page
    this.name = name
    find('layer').value = name
    find('layer-opacity').disabled = !name
    if (name) find('layer-opacity').value = OPACITY[name]
    try {
      const found = name && await this.make(name)
      if (this.page.id !== id || this.name !== name) return
      await canvas.setLayer(found || null, WINDOWS[windowName])
    } catch (error) {
      onProblem(error.message)
    }
  }

  async make(name) {
    const { entry, id, mask } = this.page
    const { grid } = entry.about
    const opacity = OPACITY[name]
    if (name === 'scores') return { kind: 'map', top: 1, opacity, buffer: nifti(mask.scores, grid, 1 / 255) }
    this.healthy ??= new Int16Array(await volume(id, 'healthy'))
    return { kind: 'instead', opacity, buffer: nifti(this.healthy, grid) }
  }
}
