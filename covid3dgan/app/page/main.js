// The app's page: the list, one CT, and what both share: messages, theme, keys, tour.
import { send } from './api.js'
import { CasePage } from './case/case.js'
import { actions } from './case/controls.js'
import { Home } from './home.js'
import { listen, showHelp } from './keys.js'
import { tour } from './tour.js'
import { find } from '../../viewer/page/elements.js'

const page = new CasePage(problem)
const home = new Home(open, problem, remembered)
let settings = null

function start() {
  history.replaceState(null, '', location.hash || '/') // the token has become a cookie
  find('back').onclick = back
  find('keys').onclick = showHelp
  find('tour-again').onclick = () => tour(() => {})
  find('theme').onclick = () => {
    theme(document.documentElement.dataset.theme === 'light' ? 'dark' : 'light')
    remember('theme', document.documentElement.dataset.theme)
  }
  find('message').onclick = () => problem('')
  theme(matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark')
  listen({ ...actions(page), t: () => find('theme').click(), '?': showHelp, Escape: back },
    (key) => !find('case').hidden && (page.mask || ['t', '?', 'Escape'].includes(key)) || find('home').hidden === false && ['t', '?'].includes(key))
  window.addEventListener('beforeunload', (event) => page.keeper.dirty && event.preventDefault())
  window.addEventListener('pagehide', () => page.id && page.keeper.dirty && page.keeper.save())
  home.refresh()
}

// What the server remembers of this user; the first answer decides on theme and tour.
function remembered(state) {
  if (settings) return
  settings = state.settings
  if (settings.theme) theme(settings.theme)
  if (!settings.tour) tour(() => remember('tour', 'seen'))
}

const remember = (name, value) => send('PATCH', '/api/settings', { [name]: value }).catch(() => {})

async function open(id) {
  problem('')
  find('home').hidden = true
  find('case').hidden = false
  find('back').hidden = false
  try {
    await page.open(id)
    theme(document.documentElement.dataset.theme)
    find('slices').focus({ preventScroll: true })
  } catch (error) {
    console.error(error)
    problem(`This CT cannot be shown: ${error.message}${error.status ? '' : ' The page needs a browser with WebGL 2.'}`)
    await back()
  }
}

async function back() {
  if (find('case').hidden) return
  try {
    await page.leave()
  } catch (error) {
    return problem(`${error.message} Try again in a moment. If you close the tab now, the last change is lost.`)
  }
  find('case').hidden = true
  find('back').hidden = true
  find('home').hidden = false
  find('title').textContent = 'covid3dgan'
  home.refresh()
}

function problem(text) {
  find('message').textContent = text
  find('message').hidden = !text
}

function theme(name) {
  document.documentElement.dataset.theme = name
  find('theme').textContent = name === 'light' ? 'Dark' : 'Light'
  const ground = getComputedStyle(document.documentElement).getPropertyValue('--scene').trim()
  page.ground([1, 3, 5].map((at) => parseInt(ground.slice(at, at + 2), 16) / 255))
}

start()
