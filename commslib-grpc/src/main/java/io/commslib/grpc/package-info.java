/**
 * Calls over gRPC. {@link io.commslib.grpc.GrpcCalls} protects the calls of any stub, {@link
 * io.commslib.grpc.GrpcServer} serves ordinary services, and {@link io.commslib.grpc.GrpcProblem}
 * is why a server failed. The transport is the user's choice. Thread-safe, unless a type states
 * otherwise.
 */
@NullMarked
package io.commslib.grpc;

import org.jspecify.annotations.NullMarked;
