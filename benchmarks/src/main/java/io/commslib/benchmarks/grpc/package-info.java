/** Calls over gRPC against bare channels. */
@NullMarked
package io.commslib.benchmarks.grpc;

import org.jspecify.annotations.NullMarked;
