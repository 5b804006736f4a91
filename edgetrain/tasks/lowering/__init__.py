"""From a Keras model to training steps that LiteRT runs fast: one class for each kind of layer, forward and backward.

LiteRT hands a graph to XNNPACK, and what XNNPACK does not take runs ten times slower and splits the graph. With *computed*
filters it takes no convolution and no fully connected layer, and never comparisons, selections or one-hot encodings. So
everything is written with the operators that it does take: batched matrix products, slices, pads, concatenations of up
to five parts, sums, maxima and elementwise arithmetic (docs/adr/0002).

Images are kept as [height, width * batch, channels]: a vertical shift is a slice of axis 0, a horizontal one a slice of axis 1 by
`batch`, and every product sees a plain matrix.
"""

from edgetrain.tasks.lowering.chain import Chain
from edgetrain.tasks.lowering.walk import layers_in_a_row, lower, weight_names

__all__ = ["Chain", "layers_in_a_row", "lower", "weight_names"]
