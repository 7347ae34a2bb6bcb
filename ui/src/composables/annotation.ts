/** Marks drawn on a copy of a photo. Positions are in pixels of the picture, so that any zoom fits. */

export type Tool = 'arrow' | 'rectangle' | 'pen' | 'text';

export interface Mark {
  tool: Tool;
  colour: string;
  /** Pen: the whole line. Text: where it begins. Otherwise: start and end. */
  points: { x: number; y: number }[];
  text: string;
}

/** A canvas that large fits into the memory of any office laptop. */
export const LARGEST_SIDE = 4096;

/** Thickness that looks alike on a small and on a large photo. */
export function lineWidthFor(width: number, height: number): number {
  return Math.max(3, Math.round(Math.max(width, height) / 220));
}

function arrow(context: CanvasRenderingContext2D, from: { x: number; y: number }, to: { x: number; y: number }, line: number): void {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  const head = line * 4.5;
  const neck = { x: to.x - Math.cos(angle) * head * 0.8, y: to.y - Math.sin(angle) * head * 0.8 };
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(neck.x, neck.y);
  context.stroke();
  context.beginPath();
  context.moveTo(to.x, to.y);
  context.lineTo(to.x - Math.cos(angle - 0.45) * head, to.y - Math.sin(angle - 0.45) * head);
  context.lineTo(to.x - Math.cos(angle + 0.45) * head, to.y - Math.sin(angle + 0.45) * head);
  context.closePath();
  context.fill();
}

/** Draws one mark, with a thin pale rim so that it shows on dark and on light ground. */
export function drawMark(context: CanvasRenderingContext2D, mark: Mark, line: number): void {
  const [from] = mark.points;
  const to = mark.points.at(-1);
  if (!from || !to) return;
  context.save();
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.lineWidth = line;
  context.strokeStyle = mark.colour;
  context.fillStyle = mark.colour;
  context.shadowColor = 'rgb(255 255 255 / 85%)';
  context.shadowBlur = line * 0.8;
  if (mark.tool === 'arrow') arrow(context, from, to, line);
  else if (mark.tool === 'rectangle') context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  else if (mark.tool === 'pen') {
    context.beginPath();
    context.moveTo(from.x, from.y);
    for (const point of mark.points.slice(1)) context.lineTo(point.x, point.y);
    context.stroke();
  } else {
    context.font = `600 ${line * 6}px 'Microsoft YaHei UI', 'Noto Sans CJK SC', sans-serif`;
    context.textBaseline = 'top';
    context.shadowBlur = 0;
    context.strokeStyle = '#fff';
    context.lineWidth = line;
    context.strokeText(mark.text, from.x, from.y);
    context.fillText(mark.text, from.x, from.y);
  }
  context.restore();
}

/** A mark too small to have been meant is a slip of the hand. */
export function isSlip(mark: Mark, line: number): boolean {
  if (mark.tool === 'text') return mark.text.trim() === '';
  if (mark.tool === 'pen') return mark.points.length < 2;
  const [from] = mark.points;
  const to = mark.points.at(-1);
  return !from || !to || Math.hypot(to.x - from.x, to.y - from.y) < line * 2;
}
