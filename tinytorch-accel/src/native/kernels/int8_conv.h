// What the two ways of convolving codes share: images in their frame, and how sums become codes.

#pragma once

#include "codes.h"
#include "kernels.h"
#include "pool.h"

namespace ISA {

bool takes_winograd(const Int8Conv& job);
size_t winograd_workspace(const Int8Conv& job);
void conv_by_winograd(const Int8Conv& job);

inline void widen(const Int8Conv& job, const int8_t* from, int16_t* to) {
    if (job.channel_step == 1 && job.pixel_step == job.channels) {
        for (size_t i = 0; i < job.width * job.channels; i++) to[i] = from[i];
        return;
    }
    for (size_t pixel = 0; pixel < job.width; pixel++, from += job.pixel_step)
        for (size_t channel = 0; channel < job.channels; channel++) *to++ = from[channel * job.channel_step];
}

inline void fill(int16_t* to, size_t count, int16_t code) {
    for (size_t i = 0; i < count; i++) to[i] = code;
}

// The size of all images in their frames, which are `height` x `width` pixels, and of what the last load goes beyond.
inline size_t framed_size(const Int8Conv& job, size_t height, size_t width) {
    return up_to_multiple(job.batch * height * width * job.channels, 2) + 2 * W;
}

inline void frame_images(const Int8Conv& job, size_t height, size_t width, int16_t* images) {
    const size_t row = width * job.channels, left = job.window.before[1] * job.channels;
    const size_t middle = job.width * job.channels;
    const int16_t code = static_cast<int16_t>(job.fill);
    in_blocks(job.batch * height, 65536 / row + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const size_t image = i / height, y = i % height - job.window.before[0];  // wraps above the image
            int16_t* out = images + i * row;
            if (y >= job.height) {
                fill(out, row, code);
                continue;
            }
            fill(out, left, code);
            widen(job, job.x + image * job.image_step + y * job.row_step, out + left);
            fill(out + left + middle, row - left - middle, code);
        }
    });
    fill(images + job.batch * height * row, 2 * W, 0);
}

// What makes W sums codes.
struct Scaling {
    Scaling(const Int8Conv& job, size_t channel)
        : count(smaller(job.outs - channel, W)),
          mantissa(load_many<Ints>(job.mantissa + channel, count)),
          shift(load_codes(job.shift + channel, count)),
          twice(mantissa, shift) {}
    template <bool ONCE> Ints of(Ints sums) const { return ONCE ? rounded_once(sums) : twice.of(sums); }
    Ints rounded_once(Ints sums) const {
        for (size_t i = 0; i < W; i++) {
            const int down = 31 - shift[i];
            sums[i] = static_cast<int32_t>((int64_t{sums[i]} * mantissa[i] + (int64_t{1} << (down - 1))) >> down);
        }
        return sums;
    }
    size_t count;
    Ints mantissa, shift;
    Multiplier twice;
};

inline Ints bias_of(const Int8Conv& job, size_t channel) {
    return load_many<Ints>(job.bias + channel, smaller(job.outs - channel, W));
}

}  // namespace ISA
