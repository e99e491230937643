// The data of a page: JSON, compressed, as base64 in an element that no browser executes.

/** Return the data in an element, or null if there is none. */
export async function payload(id) {
  const element = document.getElementById(id);
  if (!element) return null;
  const bytes = decode(element.textContent.trim());
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function decode(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
