// The axis of drops that all pictures of many layers share: it shows zero, small negative values and several powers of ten.

/** Below it the axis is linear, above it logarithmic; percentage points. */
const LINEAR = 0.5;

/** The place of a drop: percentage points in, units of the axis out. */
export const placeOfDrop = (points: number): number => Math.sign(points) * Math.log10(1 + Math.abs(points) / LINEAR);
