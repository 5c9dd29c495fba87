// A short tour, once, and again on request.
import { find } from '../../viewer/page/elements.js'

const STEPS = [
  ['Add a CT', 'Drop a NIfTI file, a DICOM folder or a zip file onto this page, or choose it. Nothing leaves this computer. The list says when its lesions are found.'],
  ['Look', 'Click a name to open a CT. Red is what the network marks; the threshold changes that at once. Next goes to the next lesion (key n). Two fingers or + and - zoom.'],
  ['Correct', 'Paint with the brush (key b), take away with the eraser (e). Delete removes a whole lesion (x), Undo takes a change back (u). Amber is what you added. Every change is saved by itself.'],
  ['Keep', 'Save the mask as NIfTI or DICOM, a table or a report page. The list saves all corrected CTs as one data set. Help has all keys.'],
]

export function tour(onEnd) {
  let step = 0
  const dialog = find('tour')
  const show = () => {
    find('tour-title').textContent = STEPS[step][0]
    find('tour-text').textContent = STEPS[step][1]
    find('tour-step').textContent = `${step + 1} of ${STEPS.length}`
    find('tour-next').textContent = step + 1 === STEPS.length ? 'Start' : 'Next'
  }
  find('tour-next').onclick = () => {
    step++
    if (step < STEPS.length) show()
    else dialog.close()
  }
  find('tour-skip').onclick = () => dialog.close()
  dialog.onclose = onEnd
  show()
  dialog.showModal()
  find('tour-next').focus()
}
