/** The command line: options, progress, servers, processes, network, chaos. */
@NullMarked
package io.commslib.examples.shop.cli;

import org.jspecify.annotations.NullMarked;
