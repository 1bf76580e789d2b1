/** Calls over gRPC. */
@NullMarked
package io.commslib.grpc;

import org.jspecify.annotations.NullMarked;
