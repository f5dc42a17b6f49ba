//! Pictures as PNG.

use super::layout::scene;
use super::paint::{Medium, paint};
use super::scene::LINE_PER_EM;
use crate::results::report::Figure;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use plotters::backend::{BitMapBackend, RGBPixel};
use std::io::Write as _;

/// Painted this much larger and averaged, because the backend does not smooth the edges of areas.
const OVER: u32 = 3;

/// The figure on white, with its title and caption; `scale` pixels for each of its 720 units across,
/// at least 0.5 and at most 4.
pub fn png(figure: &Figure, scale: f64) -> Vec<u8> {
    let scale = if scale.is_finite() {
        scale.clamp(0.5, 4.0)
    } else {
        1.0
    };
    let scene = scene(figure, true);
    let width = (scale * scene.width).ceil() as u32;
    let height = (scale * scene.height).ceil() as u32;
    let (wide, high) = (OVER * width, OVER * height);
    let mut pixels = vec![255; 3 * wide as usize * high as usize];
    let medium = Medium {
        factor: scale * f64::from(OVER),
        font: LINE_PER_EM,
        base: 0.5 * LINE_PER_EM,
        joints: true,
    };
    // The buffer has the size that the backend asks for, so it takes it.
    if let Ok(mut backend) =
        BitMapBackend::<RGBPixel>::with_buffer_and_format(&mut pixels, (wide, high))
    {
        for group in &scene.groups {
            paint(&mut backend, group, medium);
        }
    }
    encoded(&smaller(&pixels, width, height), width, height)
}

/// Every pixel the mean of the larger picture's.
fn smaller(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let (width, height, over) = (width as usize, height as usize, OVER as usize);
    let row = 3 * over * width;
    let mut out = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0_u32;
                for dy in 0..over {
                    let start = (over * y + dy) * row + 3 * over * x + channel;
                    sum += (0..over)
                        .map(|dx| u32::from(pixels[start + 3 * dx]))
                        .sum::<u32>();
                }
                out.push((sum / (OVER * OVER)) as u8);
            }
        }
    }
    out
}

/// The bytes of a PNG file (RFC 2083): eight bits each of red, green and blue.
fn encoded(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    /// Each byte less the one above it, which is mostly nothing.
    const UP: u8 = 2;
    let row = 3 * width as usize;
    let mut filtered = Vec::with_capacity(pixels.len() + height as usize);
    for (y, line) in pixels.chunks(row.max(1)).enumerate() {
        filtered.push(UP);
        for (x, &byte) in line.iter().enumerate() {
            let above = if y > 0 { pixels[(y - 1) * row + x] } else { 0 };
            filtered.push(byte.wrapping_sub(above));
        }
    }
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    let done = deflated
        .write_all(&filtered)
        .and_then(|()| deflated.finish());
    let data = done.expect("writing to memory cannot fail");
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Eight bits, colour, deflate, adaptive filters, not interlaced.
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
    for (name, data) in [(b"IHDR", &header), (b"IDAT", &data), (b"IEND", &Vec::new())] {
        bytes.extend((data.len() as u32).to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(name);
        sum.update(data);
        bytes.extend(name);
        bytes.extend(data);
        bytes.extend(sum.sum().to_be_bytes());
    }
    bytes
}
