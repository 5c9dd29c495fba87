// What is in the mask: volumes, the list of lesions and the chosen one, and the lesions in 3D.
import { lesionList, volumeTable } from './panel.js'
import { find } from '../../../viewer/page/elements.js'
import { surface } from '../../../viewer/page/surface.js'

const RED = [229, 62, 62]
const COUNT_WAIT = 250 // ms until lesions are counted again
const SCENE_WAIT = 700 // ms until the 3D scene is made again

export class Findings {
  constructor(page) {
    this.page = page
    this.lesions = []
    this.chosen = -1
  }

  // A CT was opened: its largest lesion first.
  begin() {
    this.chosen = -1
    this.count()
    this.goTo(this.lesions.length ? 0 : -1)
  }

  // The mask has changed.
  soon() {
    clearTimeout(this.counting)
    clearTimeout(this.building)
    this.counting = setTimeout(() => this.count(), COUNT_WAIT)
    this.building = setTimeout(() => this.buildScene(), SCENE_WAIT)
    this.steps()
  }

  count() {
    const { mask } = this.page
    if (!mask) return
    const at = this.chosen >= 0 && this.lesions[this.chosen]?.centre
    this.lesions = mask.lesions()
    for (const lesion of this.lesions) lesion.byHand = lesion.places.some((i) => mask.hand[i])
    this.chosen = at ? nearest(this.lesions, at) : this.chosen
    if (this.chosen >= this.lesions.length) this.chosen = -1
    this.numbers = mask.volumes()
    volumeTable(this.numbers)
    this.list()
    this.page.compare.update()
    this.steps()
  }

  steps() {
    const { mask } = this.page
    find('undo').disabled = !mask.done.length
    find('redo').disabled = !mask.undone.length
  }

  list() {
    lesionList(this.lesions, this.chosen, (at) => this.goTo(at))
  }

  goTo(at) {
    this.chosen = at
    this.list()
    showChosen(find('lesions'))
    if (at < 0) return
    this.page.canvas.placeVoxel(this.page.mask.heart(this.lesions[at]))
    this.page.canvas.centre()
  }

  next(by) {
    if (this.lesions.length) this.goTo((this.chosen + by + this.lesions.length) % this.lesions.length)
    else this.page.hint('There is no lesion in the mask.')
  }

  keep() {
    const lesion = this.lesions[this.chosen]
    if (lesion) this.page.corrections.change((mask) => lesion.places.forEach((i) => mask.keep(i)), 'It is kept already.')
  }

  remove() {
    const lesion = this.lesions[this.chosen]
    if (!lesion) return
    this.chosen = -1
    this.page.corrections.change((mask) => lesion.places.forEach((i) => mask.remove(i)))
  }

  buildScene() {
    const { entry, id, mask, scene } = this.page
    if (!mask || id === null) return
    if (this.solid) scene.nv.removeMesh(this.solid)
    this.solid = scene.add(surface(mask.shown, mask.shape, entry.about.grid.affine, (byte) => byte > 0, 0.3), RED, 1)
    // Lesions first: the lungs' glass is blended over them.
    if (this.solid) scene.nv.meshes.unshift(scene.nv.meshes.pop())
    scene.nv.drawScene()
  }
}

// Scrolls the list, and not the page around it.
function showChosen(list) {
  const chosen = list.querySelector('[aria-pressed=true]')?.getBoundingClientRect()
  const { top, bottom } = list.getBoundingClientRect()
  if (chosen) list.scrollTop += Math.min(0, chosen.top - top) + Math.max(0, chosen.bottom - bottom)
}

function nearest(lesions, [x, y, z]) {
  const far = ({ centre }) => (centre[0] - x) ** 2 + (centre[1] - y) ** 2 + (centre[2] - z) ** 2
  return lesions.reduce((best, lesion, at) => (best < 0 || far(lesion) < far(lesions[best]) ? at : best), -1)
}
