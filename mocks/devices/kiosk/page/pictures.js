// What the simulated document camera and the signature pad see, drawn and compressed as JPEG.

const A4 = { width: 1654, height: 2339 }; // 200 dots an inch
const EMPTY = new Set(["blank", "empty", "none", "black"]);

async function jpeg(canvas) {
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
  return { bytes: new Uint8Array(await blob.arrayBuffer()), width: canvas.width, height: canvas.height };
}

function blank(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fbfaf5";
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = pen.strokeStyle = "#222";
  return { canvas, pen };
}

/** The page that lies under the camera, at least as large as asked for; null when there is nothing to see. */
export async function capturePage(name, minWidth, minHeight) {
  if (EMPTY.has(name)) return null;
  const { canvas, pen } = blank(Math.max(A4.width, minWidth), Math.max(A4.height, minHeight));
  pen.font = "64px sans-serif";
  pen.fillText(`测试材料（${name}）`, 160, 220);
  pen.font = "36px sans-serif";
  for (let line = 1; line <= 40; line += 1) {
    pen.fillText(`第 ${line} 行：本页由模拟高拍仪生成，仅用于联调测试。`, 160, 272 + line * 48);
  }
  return jpeg(canvas);
}

/** A stroke of the pen. */
export async function signaturePicture() {
  const { canvas, pen } = blank(600, 240);
  pen.lineWidth = 6;
  pen.beginPath();
  pen.moveTo(60, 160);
  pen.bezierCurveTo(180, 20, 260, 230, 340, 110);
  pen.bezierCurveTo(400, 30, 470, 210, 540, 90);
  pen.stroke();
  return jpeg(canvas);
}
