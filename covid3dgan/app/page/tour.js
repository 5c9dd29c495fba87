// A short tour, once, and again on request.
import { find } from '../../viewer/page/elements.js'

const STEPS = [
  ['Add a CT', 'Drop a NIfTI file, a DICOM folder or a zip file onto the list. Nothing leaves this computer; the CT waits in a queue, and its row says how long.'],
  ['Look', 'Open a row. Red is what the network marks. The threshold moves it at once, n goes to the next lesion, w changes the window.'],
  ['Correct', 'b is the brush, e the eraser, x deletes a lesion, y keeps it, u undoes. Amber is what you added. Every change is saved by itself.'],
  ['Keep', 'Save the mask as NIfTI or DICOM, a table or a report page. Corrected CTs together are a data set for covid3dgan train and evaluate.'],
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
