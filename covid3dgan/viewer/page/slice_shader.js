// How slices are drawn, in place of NiiVue's own shader: the same colours with three looks into memory for each pixel
// instead of some forty. (NiiVue's can outline layers, too; without a graphics card the processor pays for that even
// where it is switched off.) The CT is at the bottom, then the blended layers, then the drawing (the app's mask).

const source = (layers) => `#version 300 es
precision highp float;
precision highp int;
uniform highp sampler3D volume;
uniform highp sampler3D overlay;
uniform highp sampler3D drawing;
uniform highp sampler2D colormap;
uniform float opacity;
uniform float drawOpacity;
in vec3 texPos;
out vec4 color;
void main() {
  vec3 shown = textureLod(volume, texPos, 0.0).rgb;
  ${layers ? 'vec4 layer = textureLod(overlay, texPos, 0.0); shown = mix(shown, layer.rgb, layer.a);' : ''}
  ivec3 size = textureSize(drawing, 0);
  int label = int(texelFetch(drawing, clamp(ivec3(texPos * vec3(size)), ivec3(0), size - 1), 0).r * 255.0 + 0.5);
  vec4 mark = texelFetch(colormap, ivec2(label, textureSize(colormap, 0).y - 1), 0);
  shown = mix(shown, mark.rgb, mark.a * drawOpacity);
  color = vec4(shown, opacity);
}`

const EMPTY = `#version 300 es
precision highp float;
out vec4 color;
void main() {
  color = vec4(0.0);
}`

// { bare, layered }: programs for a CT by itself and for one with layers. To be called before a volume is shown.
export function sliceShaders(nv) {
  const made = [EMPTY, source(false), source(true)].map((text) => {
    nv.customSliceShader = null // so that NiiVue leaves the one before alone
    nv.setCustomSliceShader(text)
    return nv.customSliceShader
  })
  const [empty, bare, layered] = made
  // NiiVue prepares shading for a volume in 3D, which is never shown here, with every window and every layer: seconds
  // without a graphics card. Nobody sets this program's matrices, so it draws nothing.
  for (const step of ['blurShader', 'gradientPrePassShader', 'sobelFirstOrderShader', 'sobelSecondOrderShader']) nv[step] = empty
  return { bare, layered }
}

// NiiVue takes the context that a canvas has. What it would ask for costs a third more where the processor draws:
// a picture that lets the page shine through, and smooth edges, of which straight slices have none.
export function plainContext(canvas) {
  canvas.getContext('webgl2', { alpha: false, antialias: false })
}
